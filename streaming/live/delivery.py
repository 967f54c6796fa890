"""Delivery statistics of this web process: viewers per answer, what they were sent, and the hub's lag.

Viewer counts are published every second while anybody watches; deliveries are stored when the answer has ended.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import Error
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from conversations import site_time
from conversations.models import Generation
from conversations.models.generation.timing import Delivery, add_deliveries
from streaming.coordination import exchanged
from streaming.coordination.database import in_database
from streaming.log.stream_log import PlainEntry
from streaming.protocol import AnyEvent, TextDelta
from streaming.telemetry import counters
from streaming.telemetry.counters import HUB_LAG
from streaming.telemetry.heartbeats import this_process

logger = logging.getLogger(__name__)

VIEWERS_KEY = "throughline:viewers:at"  # sorted set of processes, scored by their last publication
VIEWERS_KEPT_FOR = timedelta(seconds=6)
VIEWERS_EXPIRY_S = 60  # when nobody publishes
UNSTORED_AT_MOST = 10_000  # deliveries waiting for the database; further ones are lost
LAG_FIELD = b"sent"
LAG_EXPIRY_S = 60


class DeliveryStats:
    """Owned by the hub, which calls ``publish`` every second."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._redis = redis
        self._published: Mapping[UUID, int] = {}
        self._unstored: dict[UUID, Delivery] = {}

    def add(self, generation_id: UUID, delivery: Delivery) -> None:
        """Add the delivery of an answer that has ended."""
        if len(self._unstored) < UNSTORED_AT_MOST:
            self._unstored[generation_id] = delivery

    async def publish(self, viewers: Mapping[UUID, int]) -> None:
        """Publish the viewer counts, and store the deliveries of answers that have ended."""
        if viewers or self._published:
            try:
                await publish_viewers(self._redis, this_process(), viewers)
                self._published = viewers
            except (RedisError, OSError) as error:
                logger.warning("viewer counts were not published: %s", error)
        if self._unstored:
            ended, self._unstored = self._unstored, {}
            try:
                await in_database(add_deliveries, Generation.objects.all(), ended)
            except Error as error:
                self._unstored = ended | self._unstored
                logger.warning("delivery statistics of %d answers are stored later: %s", len(ended), error)


def count_frame(delivery: Delivery, event: AnyEvent, size: int) -> None:
    """Count a frame sent to a page."""
    delivery.bytes += size
    if delivery.first_frame_at is None and isinstance(event, TextDelta):
        delivery.first_frame_at = site_time.now()


async def publish_viewers(redis: AsyncRedis, process: str, viewers: Mapping[UUID, int]) -> None:
    """Also removes processes that stopped publishing. Raises RedisError, OSError."""
    now = site_time.now()
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.set(viewers_key_of(process), msgspec.json.encode(dict(viewers)), ex=VIEWERS_KEPT_FOR)
        pipeline.zadd(VIEWERS_KEY, {process: now.timestamp()})
        pipeline.zremrangebyscore(VIEWERS_KEY, "-inf", (now - VIEWERS_KEPT_FOR).timestamp())
        pipeline.expire(VIEWERS_KEY, VIEWERS_EXPIRY_S)
        await pipeline.execute()


def viewers_now(redis: Redis) -> Counter[UUID]:
    """Viewers by generation. Two commands. Raises RedisError."""
    processes: Any = redis.zrange(VIEWERS_KEY, 0, -1)
    stored: Any = redis.mget([viewers_key_of(process.decode()) for process in processes]) if processes else []
    viewers: Counter[UUID] = Counter()
    for counts in exchanged.read(stored, dict[UUID, int]):
        viewers.update(counts)
    return viewers


def viewers_key_of(process: str) -> str:
    """Holds one process's viewer counts; expires when it stops publishing."""
    return f"throughline:viewers:{process}"


class LagProbe:
    """Measures how long an entry takes from its append to this hub, with entries that the hub itself appends.

    So one clock is enough and no token gets larger. The hub reads the probe's log along with the answers' logs, so the
    probe waits as they do.
    """

    def __init__(self) -> None:
        self.key = f"throughline:lag:{this_process()}"
        self.position = "0-0"
        self._reading_since: float | None = None  # monotonic; None: nothing is watched here

    async def send(self, redis: AsyncRedis) -> None:
        """Raises RedisError, OSError."""
        async with redis.pipeline() as pipeline:
            pipeline.xadd(self.key, {LAG_FIELD: repr(time.monotonic())}, maxlen=1, approximate=False)
            pipeline.expire(self.key, LAG_EXPIRY_S)
            await pipeline.execute()

    def resume(self) -> None:
        """The hub is reading. Entries sent while it was not are not measured."""
        if self._reading_since is None:
            self._reading_since = time.monotonic()

    def pause(self) -> None:
        self._reading_since = None

    def record(self, raw: Sequence[PlainEntry]) -> None:
        now = time.monotonic()
        for position, (_, value) in raw:
            self.position = position.decode()
            sent_at = float(value)
            if self._reading_since is not None and self._reading_since <= sent_at <= now:
                counters.observe(HUB_LAG, [now - sent_at])
