"""Stop signals for the process that runs a generation. They may be lost: it also reads the database's stop request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .redis_clients import BLOCK_S, blocking_client

logger = logging.getLogger(__name__)

STOP_CHANNEL = "throughline:stop"
RECONNECT_DELAY_S = 0.5


async def announce_stop(redis: Redis, generation_id: UUID) -> None:
    await redis.publish(STOP_CHANNEL, str(generation_id))


async def listen(stop: Callable[[UUID], Awaitable[None]]) -> None:
    """Call ``stop`` for every announced stop. Never returns; reconnects after a lost connection."""
    while True:
        redis = blocking_client()
        try:
            async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                await pubsub.subscribe(STOP_CHANNEL)
                while True:
                    if message := await pubsub.get_message(timeout=BLOCK_S):
                        with suppress(ValueError):  # another version may send something else
                            generation_id = UUID(message["data"].decode())
                            await stop(generation_id)
        except (RedisError, OSError) as error:
            logger.warning("stop channel lost: %s", error)
            await asyncio.sleep(RECONNECT_DELAY_S)
        finally:
            await redis.aclose()
