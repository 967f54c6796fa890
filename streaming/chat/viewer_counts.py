"""How many watch which answer at this moment: each web process tells every second, while somebody does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from conversations import site_time
from streaming.coordination import exchanged

KEY = "throughline:viewers:at"  # sorted set: processes, by when they told last
HEARD_FOR = timedelta(seconds=6)
FORGOTTEN_AFTER_S = 60  # with nobody's word


async def publish(redis: AsyncRedis, process: str, counts: Mapping[UUID, int]) -> None:
    """Forgets processes that fell silent. Raises RedisError, OSError."""
    now = site_time.now()
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.set(key_of(process), msgspec.json.encode(dict(counts)), ex=HEARD_FOR)
        pipeline.zadd(KEY, {process: now.timestamp()})
        pipeline.zremrangebyscore(KEY, "-inf", (now - HEARD_FOR).timestamp())
        pipeline.expire(KEY, FORGOTTEN_AFTER_S)
        await pipeline.execute()


def viewers_now(redis: Redis) -> Counter[UUID]:
    """By generation. Two commands. Raises RedisError."""
    processes: Any = redis.zrange(KEY, 0, -1)
    stored: Any = redis.mget([key_of(process.decode()) for process in processes]) if processes else []
    viewers: Counter[UUID] = Counter()
    for counts in exchanged.read(stored, dict[UUID, int]):
        viewers.update(counts)
    return viewers


def key_of(process: str) -> str:
    """Holds what it told, for as long as it says anything."""
    return f"throughline:viewers:{process}"
