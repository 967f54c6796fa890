"""Model servers that an operator has drained: they get no new requests. Stored in Redis by the server's key.

Workers read the keys every second. Running requests continue to their end.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from conversations import site_time
from streaming.coordination import exchanged

from .vllm.client import ServerKey

KEY = "throughline:drained"  # hash: key of the server -> Drain


class Drain(msgspec.Struct, frozen=True):
    by: str  # the operator's name
    at: datetime


def drain(redis: Redis, server: str, by: str) -> bool:
    """Returns False if it was already drained. Raises RedisError."""
    return bool(redis.hsetnx(KEY, server, msgspec.json.encode(Drain(by, site_time.now())).decode()))


def undrain(redis: Redis, server: str) -> bool:
    """Returns False if it was not drained. Raises RedisError."""
    return bool(redis.hdel(KEY, server))


def drains(redis: Redis) -> dict[str, Drain]:
    """By the server's key. Raises RedisError."""
    stored: Any = redis.hgetall(KEY)
    return {name.decode(): drain for name, entry in stored.items() for drain in exchanged.read([entry], Drain)}


async def drained_servers(redis: AsyncRedis) -> frozenset[ServerKey]:
    """Raises RedisError, OSError."""
    names: Any = await redis.hkeys(KEY)  # type: ignore[misc]
    return frozenset(ServerKey(name.decode()) for name in names)
