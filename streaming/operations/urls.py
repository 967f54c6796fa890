"""URLs for operators and their monitoring."""

from django.urls import path

from .health import endpoints
from .metrics import endpoint
from .pages import alerts, cost, draining, generation, generations, history, latency, overview, processes, servers

urlpatterns = [
    path("ops/", overview.overview, name="ops"),
    path("ops/generations/", generations.generations, name="ops-generations"),
    path("ops/generations/<uuid:pk>/", generation.generation, name="ops-generation"),
    path("ops/generations/<uuid:pk>/stop/", generations.stop, name="ops-stop"),
    path("ops/latency/", latency.latency, name="ops-latency"),
    path("ops/history/", history.history, name="ops-history"),
    path("ops/history/file/", history.export, name="ops-history-file"),
    path("ops/servers/", servers.servers, name="ops-servers"),
    path("ops/servers/drain/", draining.change_drain, name="ops-drain"),
    path("ops/processes/", processes.processes, name="ops-processes"),
    path("ops/alerts/", alerts.alerts, name="ops-alerts"),
    path("ops/cost/", cost.cost, name="ops-cost"),
    path("ops/cost/file/", cost.export, name="ops-cost-file"),
    path("metrics", endpoint.metrics, name="metrics"),
    path("healthz", endpoints.healthz, name="healthz"),
    path("readyz", endpoints.readyz, name="readyz"),
]
