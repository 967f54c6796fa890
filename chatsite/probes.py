"""Probes and scrapes ask by whatever address they have: for them, and for nothing else, any Host header will do."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware as DjangosCommonMiddleware

ADDRESSES = frozenset({"/healthz", "/readyz", "/metrics"})  # their answers quote no host


class CommonMiddleware(DjangosCommonMiddleware):
    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        return None if request.path_info in ADDRESSES else super().process_request(request)
