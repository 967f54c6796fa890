"""What an application raises is logged as everything else is: daphne's own line would quote the exception."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

logger = logging.getLogger(__name__)

Application = Callable[[Any, Any, Any], Awaitable[None]]


class Failed(Exception):
    """For daphne, which ends the connection."""


def logged(application: Application) -> Application:
    async def serve(scope: Any, receive: Any, send: Any) -> None:
        try:
            await application(scope, receive, send)
        except Exception:
            logger.exception("%s %s failed", scope["type"], scope.get("path", ""))
            raise Failed("see the line before") from None

    return serve
