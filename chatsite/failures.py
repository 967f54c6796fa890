"""Responses and log lines for failures. Exceptions are logged here because daphne's own log line would quote them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

logger = logging.getLogger(__name__)

Application = Callable[[Any, Any, Any], Awaitable[None]]


TOO_MANY_RETRY_S = 300


def too_many(request: HttpRequest) -> HttpResponse:
    """Refuses further attempts to sign in or up, or to have a mail sent. The exact wait is not known here."""
    response = render(request, "429.html", status=429)
    response["Retry-After"] = str(TOO_MANY_RETRY_S)
    return response


class Failed(Exception):
    """Tells daphne to close the connection; the cause has been logged."""


def log_failures(application: Application) -> Application:
    async def serve(scope: Any, receive: Any, send: Any) -> None:
        try:
            await application(scope, receive, send)
        except Exception:
            logger.exception("%s %s failed", scope["type"], scope.get("path", ""))
            raise Failed("see the line before") from None

    return serve
