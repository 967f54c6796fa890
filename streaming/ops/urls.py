"""Addresses for operators and their machines."""

from django.urls import path

from . import cost, draining, health, metrics, pages, processes, servers

urlpatterns = [
    path("ops/", pages.overview, name="ops"),
    path("ops/servers/", servers.servers, name="ops-servers"),
    path("ops/servers/drain/", draining.change_drain, name="ops-drain"),
    path("ops/processes/", processes.processes, name="ops-processes"),
    path("ops/cost/", cost.cost, name="ops-cost"),
    path("metrics", metrics.metrics, name="metrics"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
