"""How many watch which answer at this moment: each web process tells every second, while somebody does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

KEY = "throughline:viewers"  # hash: process -> what it told
HEARD_FOR_S = 6
FORGOTTEN_AFTER_S = 60  # with nobody's word


class Told(msgspec.Struct):
    at: datetime
    counts: dict[UUID, int]


async def tell(redis: AsyncRedis, process: str, counts: Mapping[UUID, int]) -> None:
    """Raises RedisError, OSError."""
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.hset(KEY, process, msgspec.json.encode(Told(datetime.now(UTC), dict(counts))).decode())
        pipeline.expire(KEY, FORGOTTEN_AFTER_S)
        await pipeline.execute()


def viewers_now(redis: Redis) -> Counter[UUID]:
    """By generation. One command. Raises RedisError."""
    stored: Any = redis.hgetall(KEY)
    viewers: Counter[UUID] = Counter()
    for value in stored.values():
        told = msgspec.json.decode(value, type=Told)
        if (datetime.now(UTC) - told.at).total_seconds() < HEARD_FOR_S:
            viewers.update(told.counts)
    return viewers
