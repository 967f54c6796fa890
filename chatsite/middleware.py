"""Every request has an X-Request-Id, which logs, error pages and the proxy in front share, and an allowed host."""

from __future__ import annotations

import re
from asyncio import iscoroutinefunction
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware as DjangosCommonMiddleware
from django.utils.decorators import sync_and_async_middleware

from streaming.telemetry import correlation

WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
HEADER = "X-Request-Id"
PROBED = frozenset({"/healthz", "/readyz", "/metrics"})  # their answers quote no host


@sync_and_async_middleware
def request_ids(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    def answer(request: HttpRequest) -> Any:
        request_id = id_of(request)
        with correlation.about(request=request_id):
            response = get_response(request)
        response[HEADER] = request_id
        return response

    async def answer_async(request: HttpRequest) -> Any:
        request_id = id_of(request)
        correlation.add(request=request_id)  # for the whole task: a stream of events goes on after this
        response = await get_response(request)
        response[HEADER] = request_id
        return response

    return answer_async if iscoroutinefunction(get_response) else answer


def id_of(request: HttpRequest) -> str:
    """The proxy's, if there is one in front and its id is well-formed; else a new one."""
    given = request.headers.get(HEADER, "")
    is_kept = settings.ALLAUTH_TRUSTED_PROXY_COUNT > 0 and WELL_FORMED.fullmatch(given)
    request.request_id = request_id = given if is_kept else str(uuid4())  # type: ignore[attr-defined]
    return request_id


class CommonMiddleware(DjangosCommonMiddleware):
    """Probes and scrapes ask by whatever address they have: for them, and for nothing else, any Host header will do."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        return None if request.path_info in PROBED else super().process_request(request)
