"""Redis clients, with time-outs and retries that suit their use."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.retry import Retry as SyncRetry

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 5.0
SOON_S = 1.5  # for pages and commands that can also answer without Redis
BLOCK_S = 1.0  # of a blocking read; well below its client's time-out


class Connections:
    """Counts the connections that a client has made; redis-py reconnects silently."""

    def __init__(self) -> None:
        self.count = 0

    async def made(self, connection: AbstractConnection) -> None:
        await connection.on_connect()
        self.count += 1


def command_client(connections: Connections | None = None) -> Redis:
    """For commands. Without retries: a write whose reply was lost may have been done; only the caller can find out."""
    return client(ANSWER_TIMEOUT_S, redis_connect_func=connections.made if connections else None)


def blocking_client() -> Redis:
    """One connection of its own, for XREAD BLOCK and subscriptions."""
    return client(BLOCK_S + ANSWER_TIMEOUT_S, single_connection_client=True)


@cache
def sync_client() -> SyncRedis:
    """For commands from threads, which share its connections."""
    return open_sync_client(ANSWER_TIMEOUT_S)


def open_sync_client(timeout_s: float = SOON_S) -> SyncRedis:
    """A client of the caller's own, to be closed (use `with`). Commands answer within ``timeout_s`` or fail."""
    return SyncRedis.from_url(
        settings.REDIS_URL,
        socket_timeout=timeout_s,
        socket_connect_timeout=min(timeout_s, CONNECT_TIMEOUT_S),
        retry=SyncRetry(NoBackoff(), 0),
    )


def client(timeout_s: float, **options: Any) -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=timeout_s,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        **options,
    )
