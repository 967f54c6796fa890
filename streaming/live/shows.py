"""What this web process shows of each answer: who watches is told every second, the rest is stored after the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from uuid import UUID

from django.db import Error
from redis.asyncio import Redis
from redis.exceptions import RedisError

from conversations import site_time
from conversations.models import Generation
from conversations.models.generation.timing import Delivery, add_deliveries
from streaming.chat import viewer_counts
from streaming.coordination.database import in_database
from streaming.protocol import AnyEvent, TextDelta
from streaming.telemetry.heartbeats import this_process

from .watched import Watched

logger = logging.getLogger(__name__)

INTERVAL_S = 1.0
KEPT = 10_000  # that the database has not taken; further ones are lost


class DeliveryStats:
    """``run`` is its only task, owned by the hub."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._told: dict[UUID, int] = {}  # how many watch which answer
        self._ended: dict[UUID, Delivery] = {}  # to be stored

    def add(self, generation_id: UUID, show: Delivery) -> None:
        if len(self._ended) < KEPT:
            self._ended[generation_id] = show

    async def run(self, watched: Collection[Watched]) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            await self._tell({one.answer.generation_id: len(one.watchers) for one in watched if one.is_open})
            if self._ended:
                await self._store()

    async def _tell(self, counts: dict[UUID, int]) -> None:
        if not (counts or self._told):
            return
        try:
            await viewer_counts.publish(self._redis, this_process(), counts)
            self._told = counts
        except (RedisError, OSError) as error:
            logger.warning("viewer counts were not published: %s", error)

    async def _store(self) -> None:
        ended, self._ended = self._ended, {}
        try:
            await in_database(add_deliveries, Generation.objects.all(), ended)
        except Error as error:
            self._ended = ended | self._ended
            logger.warning("delivery statistics of %d answers are stored later: %s", len(ended), error)


def count_frame(show: Delivery, event: AnyEvent, size: int) -> None:
    """One that was sent to a page."""
    show.bytes += size
    if show.first_frame_at is None and isinstance(event, TextDelta):
        show.first_frame_at = site_time.now()
