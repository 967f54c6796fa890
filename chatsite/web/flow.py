"""Back-pressure for responses, event streams and files alike: daphne would buffer without a bound.

Under daphne, ``send`` returns at once. It belongs to a Twisted request, which tells a registered producer when the
connection's buffer is full and when it is empty again. Under other servers, ``send`` itself waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

Message = dict[str, Any]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]


def paced(application: Application) -> Application:
    """Wraps an ASGI application so that its responses wait for their reader."""

    async def serve(scope: Any, receive: Any, send: Send) -> None:
        await application(scope, receive, PacedSend(send))

    return serve


class PacedSend:
    def __init__(self, send: Send):
        self._send = send
        self._flow: Flow | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self._follow(has_more=message.get("more_body", False))
        await self._send(message)
        if self._flow is not None:
            await self._flow.wait()

    def _follow(self, *, has_more: bool) -> None:
        """Registers the producer at the first piece that is not the last, and ends it at the last."""
        if has_more and self._flow is None and (request := daphne_request(self._send)):
            self._flow = Flow(request)
        elif not has_more and self._flow is not None:
            self._flow.end()
            self._flow = None


class Flow:
    """A push producer in Twisted's sense."""

    def __init__(self, request: Any):
        self._request = request
        self._may_write = asyncio.Event()
        self._may_write.set()
        request.registerProducer(self, True)

    async def wait(self) -> None:
        """Waits until there is room. Disconnects a client that reads nothing for too long; it can resume later."""
        if self._may_write.is_set():
            return
        try:
            async with asyncio.timeout(settings.VIEWER_ACK_DEADLINE_S):
                await self._may_write.wait()
        except TimeoutError:
            self._request.channel.forceAbortClient()

    def end(self) -> None:
        if self._request.channel is not None:
            self._request.unregisterProducer()

    # What Twisted calls

    def pauseProducing(self) -> None:
        self._may_write.clear()

    def resumeProducing(self) -> None:
        self._may_write.set()

    def stopProducing(self) -> None:
        """The connection is lost; daphne tells the application."""
        self._may_write.set()


def daphne_request(send: Send) -> Any:
    """Returns the request that daphne's ``send`` is bound to; None under another server, or without a connection."""
    bound: tuple[Any, ...] = getattr(send, "args", ())
    is_request = bool(bound) and hasattr(bound[0], "registerProducer") and getattr(bound[0], "channel", None)
    return bound[0] if is_request else None
