"""The site's time is Redis' clock. Each process measures every second or two how far its machine's clock is ahead."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from conversations import site_time

logger = logging.getLogger(__name__)

SAME = timedelta(milliseconds=100)  # accuracy of a round trip; within it, the machine's own clock is used
WRONG = timedelta(seconds=1)  # logged, so that an operator fixes the clock
SLOW = timedelta(seconds=1)  # a longer round trip is not used


async def compare(redis: AsyncRedis) -> None:
    """Raises RedisError, OSError."""
    before = timezone.now()
    redis_time = await redis.time()
    take(before, redis_time, timezone.now())


def compare_now(redis: Redis) -> None:
    """Synchronous ``compare``."""
    before = timezone.now()
    redis_time: Any = redis.time()
    take(before, redis_time, timezone.now())


def take(before: datetime, redis_time: tuple[int, int], after: datetime) -> None:
    """``redis_time``: seconds and microseconds, read between the other two."""
    if not timedelta(0) <= after - before <= SLOW:
        return
    ahead = before + (after - before) / 2 - datetime.fromtimestamp(redis_time[0] + redis_time[1] / 1e6, UTC)
    known = site_time.ahead()
    if abs(ahead) <= SAME:
        ahead = timedelta(0)
    elif abs(ahead - known) <= SAME:  # keep the known offset: no jitter in stored times
        return
    if abs(ahead) > WRONG and abs(ahead - known) > WRONG:
        way = "ahead of" if ahead > timedelta(0) else "behind"
        logger.warning("this machine's clock is %.1f s %s Redis': set it by NTP", abs(ahead.total_seconds()), way)
    site_time.set_ahead(ahead)
