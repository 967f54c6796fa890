"""An answer as server-sent events: one stream per API client, fed by the process's hub.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from django.conf import settings
from django.http import StreamingHttpResponse
from redis.exceptions import RedisError

from conversations.models import ApiToken, Generation
from streaming.coordination.user_limits import Slot
from streaming.live.hub import hub
from streaming.log.fold import HoleInLog
from streaming.log.stream_log import Position
from streaming.protocol import encode, padded

from .reader import Reader, Sent, Stored
from .streams import streams

logger = logging.getLogger(__name__)

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_S = 15.0  # proxies close silent connections, often after 60 s
STORED_INTERVAL_S = 2.0  # between two database queries, for an answer without a whole log
REDIS_RETRY_S = 0.5
RETRY_MS = 1000  # that a client should wait before it reconnects
OPENING = f"retry: {RETRY_MS}\n\n".encode()
HEARTBEAT = b": still here\n\n"


class Stream:
    """Lives as long as ``frames``: watches from the first frame on, and leaves when the generator is closed."""

    def __init__(self, token: ApiToken, generation: Generation, after: Position, slot: Slot):
        self.token_id = token.pk
        self._generation = generation
        self._after = after
        self._wake = asyncio.Event()
        self._reader: Reader | Stored | None = None
        self._is_over = False
        self._slot = slot

    def end(self) -> None:
        """End soon, between two events. The client reconnects with its position, to whichever process then answers."""
        self._is_over = True
        self._wake.set()

    async def frames(self) -> AsyncIterator[bytes]:
        streams().add(self)
        try:
            yield OPENING
            while not self._is_over:
                self._wake.clear()
                patience, batch = await self._next()
                if batch:
                    yield b"".join(map(frame, batch))
                if self._reader is not None and self._reader.done:
                    return
                if not batch and not await self._is_woken(patience):
                    yield HEARTBEAT
        finally:
            streams().discard(self)
            self._slot.leave()
            self._leave()

    async def _next(self) -> tuple[float, list[Sent]]:
        """The seconds to wait if there is nothing to send, and what to send now."""
        try:
            reader = self._reader = self._reader or await self._begin()
            patience = HEARTBEAT_S if isinstance(reader, Reader) else STORED_INTERVAL_S
            return patience, await reader.missing_events()
        except (RedisError, OSError) as error:
            logger.warning("event stream of generation %s is waiting for Redis: %s", self._generation.pk, error)
            return REDIS_RETRY_S, []
        except HoleInLog:
            logger.warning("log of generation %s has a gap; falling back to the database", self._generation.pk)
            self._leave()
            self._reader = Stored(self._generation.pk, self._wake)
            return 0, []
        except Generation.DoesNotExist:
            self._is_over = True
            return 0, []

    async def _begin(self) -> Reader | Stored:
        reader = await hub().watch(self._generation, lambda a: Reader(a, self._after, self._wake), wake)
        return reader or Stored(self._generation.pk, self._wake)

    async def _is_woken(self, patience: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                return await self._wake.wait()
        return False

    def _leave(self) -> None:
        if isinstance(self._reader, Reader):
            hub().leave(self._reader)


def wake(reader: Reader) -> None:
    reader.wake.set()


def frame(sent: Sent) -> bytes:
    """One ``data`` line is enough: encoded JSON has no line breaks."""
    data = encode(sent.event)
    name = type(sent.event).__struct_config__.tag
    place = f"id: {sent.position}\n" if sent.position else ""
    return padded(f"event: {name}\n{place}data: ".encode() + data, settings.FRAME_PADDING_BYTES) + b"\n\n"


def response_of(stream: Stream, status: int = 200) -> StreamingHttpResponse:
    response = StreamingHttpResponse(stream.frames(), status=status, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"  # nginx would buffer the events
    return response
