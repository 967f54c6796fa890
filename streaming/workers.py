"""Which workers live: each tells every second what it runs, in a key that expires."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

PREFIX = "throughline:worker:"
HEARD_FOR_S = 5


class WorkerState(msgspec.Struct, frozen=True):
    process: str
    running: int
    told_at: datetime


async def tell(redis: AsyncRedis, process: str, running: int) -> None:
    state = WorkerState(process, running, datetime.now(UTC))
    await redis.set(f"{PREFIX}{process}", msgspec.json.encode(state), ex=HEARD_FOR_S)


def living_workers(redis: Redis) -> list[WorkerState]:
    keys = list(redis.scan_iter(match=f"{PREFIX}*", count=1000))
    stored = redis.mget(keys) if keys else []
    assert isinstance(stored, list)
    return sorted((msgspec.json.decode(s, type=WorkerState) for s in stored if s), key=lambda state: state.process)
