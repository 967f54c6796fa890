"""URLs of the HTTP API."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from .api import api
from .docs import docs, nothing_here

urlpatterns = [
    path("api/v1/", RedirectView.as_view(pattern_name="api-docs")),
    path("api/v1/docs", docs, name="api-docs"),
    path("api/v1/", api.urls),
    re_path("^api/v1/.*$", nothing_here),
]
