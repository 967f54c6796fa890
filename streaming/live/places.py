"""The places of queued answers: a query and a look at the queue each second, as long as any of them is watched here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from uuid import UUID

from django.db import Error
from redis.asyncio import Redis
from redis.exceptions import RedisError

from conversations.models import Generation
from conversations.models.generation.generation import Status
from streaming.coordination.answer_queue import places
from streaming.coordination.database import in_database
from streaming.telemetry.heartbeats import has_worker

from .answer import LiveAnswer

logger = logging.getLogger(__name__)

INTERVAL_S = 1.0
PATIENCE_S = 0.5  # most are taken sooner, and nobody reads so fast


class Places:
    """Keeps ``place`` of queued answers true; ``wake`` is called with those that moved up.

    While no worker lives there are no places to wait for, and nothing is told.
    """

    def __init__(
        self,
        redis: Redis,
        answers: Callable[[], Iterable[LiveAnswer]],
        wake: Callable[[LiveAnswer], None],
    ):
        self._redis = redis
        self._answers = answers
        self._wake = wake

    async def run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            if queued := list(self._queued()):
                try:
                    await self._tell(queued)
                except (Error, RedisError, OSError) as error:
                    logger.warning("queue positions were not updated: %s", error)

    def _queued(self) -> Iterable[LiveAnswer]:
        since = time.monotonic() - PATIENCE_S
        return (answer for answer in self._answers() if answer.attempt == 0 and answer.known_since < since)

    async def _tell(self, queued: list[LiveAnswer]) -> None:
        owners = await in_database(owners_of, [answer.generation_id for answer in queued])
        known = await places(self._redis, owners) if owners and await has_worker(self._redis) else {}
        for answer in queued:
            place = known.get(answer.generation_id)
            if answer.attempt == 0 and answer.ended is None and answer.place != place:  # still
                answer.place = place
                self._wake(answer)


def owners_of(generation_ids: list[UUID]) -> list[int]:
    """Of those among them that wait."""
    waiting = Generation.objects.filter(pk__in=generation_ids, status=Status.QUEUED).order_by()
    return list(waiting.values_list("message__conversation__owner_id", flat=True).distinct())
