"""Addresses for operators and their machines."""

from django.urls import path

from . import alerts, cost, health, metrics, pages

urlpatterns = [
    path("ops/", pages.overview, name="ops"),
    path("ops/alerts/", alerts.alerts, name="ops-alerts"),
    path("ops/cost/", cost.cost, name="ops-cost"),
    path("metrics", metrics.metrics, name="metrics"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
