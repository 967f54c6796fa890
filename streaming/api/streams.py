"""All open event streams of a web process; ends them when their token is revoked, and at shutdown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextvars import Context
from typing import TYPE_CHECKING

from django.db import DatabaseError

from conversations.models import ApiToken
from streaming.chat.open_sockets import CARE_INTERVAL_S, drain_before_shutdown
from streaming.coordination.database import in_database

if TYPE_CHECKING:
    from .events import Stream

logger = logging.getLogger(__name__)

DRAIN_S = 0.2  # for the streams to end


class Streams:
    def __init__(self) -> None:
        self._open: set[Stream] = set()
        self._care = asyncio.create_task(self._take_care(), name="streams")
        drain_before_shutdown(self)

    def __len__(self) -> int:
        return len(self._open)

    def add(self, stream: Stream) -> None:
        self._open.add(stream)

    def discard(self, stream: Stream) -> None:
        self._open.discard(stream)

    async def drain(self) -> None:
        for stream in list(self._open):
            stream.end()
        await asyncio.sleep(DRAIN_S if self._open else 0)

    async def _take_care(self) -> None:
        while True:
            await asyncio.sleep(CARE_INTERVAL_S)
            if not self._open:
                continue
            try:
                looked_at = list(self._open)
                valid = await in_database(valid_among, {stream.token_id for stream in looked_at})
            except DatabaseError as error:
                logger.warning("API tokens were not checked: %s", error)
                continue
            for stream in [stream for stream in looked_at if stream.token_id not in valid]:
                stream.end()


def valid_among(token_ids: Iterable[int]) -> set[int]:
    """One query, whatever the number of streams."""
    return set(ApiToken.objects.valid().filter(pk__in=token_ids).values_list("pk", flat=True))


_streams: Streams | None = None


def streams() -> Streams:
    """This process's streams; the first caller creates them, in its event loop."""
    global _streams
    if _streams is None:
        _streams = Context().run(Streams)  # an empty context: its task belongs to no request
    return _streams
