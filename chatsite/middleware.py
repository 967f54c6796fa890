"""Gives every request an X-Request-Id, which logs, error pages and a proxy in front share, and checks its host."""

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
PROBED = frozenset({"/healthz", "/readyz", "/metrics"})  # their responses contain no host


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
        correlation.add(request=request_id)  # for the whole task: an event stream outlasts this function
        response = await get_response(request)
        response[HEADER] = request_id
        return response

    return answer_async if iscoroutinefunction(get_response) else answer


def id_of(request: HttpRequest) -> str:
    """Keeps the id of a trusted proxy if it is well-formed; otherwise makes a new one."""
    given = request.headers.get(HEADER, "")
    is_kept = settings.ALLAUTH_TRUSTED_PROXY_COUNT > 0 and WELL_FORMED.fullmatch(given)
    request.request_id = request_id = given if is_kept else str(uuid4())  # type: ignore[attr-defined]
    return request_id


class CommonMiddleware(DjangosCommonMiddleware):
    """Accepts any Host header for probes and scrapes, which use whatever address they have, and for nothing else."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        return None if request.path_info in PROBED else super().process_request(request)
