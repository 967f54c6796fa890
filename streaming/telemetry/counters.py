"""What a process counts by itself. Every second or two it adds what is new to one hash in Redis, that of all processes:
so counters only grow, whichever process is asked. One that is killed takes with it what it had not told yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from conversations.models.operations.histogram import Histogram

KEY = "throughline:counts"  # hash: name -> value
LOG_APPENDS, LOG_BYTES = "log_appends", "log_bytes"
SOCKETS_OPENED = "sockets_opened"
INTER_TOKEN, HUB_LAG = "inter_token", "hub_lag"  # histograms: a counter for each bucket, and one of the sum
CACHE = "cache"  # and ":hit", ":joined" or ":miss"
FALLBACK = "fallback"  # and ":" and one of FALLBACKS
FALLBACKS = OTHER_TIER, WHOLE, STAGE_LEFT_OUT, BUDGET = "other_tier", "not_streamed", "stage_left_out", "budget"

_lock = Lock()
_new: Counter[str] = Counter()  # not told yet; the values are numbers of any kind


def add(name: str, by: int = 1) -> None:
    with _lock:
        _new[name] += by


def fell_back(how: str) -> None:
    """An answer is made otherwise than it was planned: one of FALLBACKS."""
    add(f"{FALLBACK}:{how}")


def observe(name: str, durations: Iterable[float]) -> None:
    """Into the histogram, in seconds."""
    found = Histogram()
    for seconds in durations:
        found.observe(seconds)
    with _lock:
        _new.update({f"{name}:{bucket}": count for bucket, count in found.buckets.items()})
        _new[f"{name}:sum"] += found.sum  # type: ignore[assignment]


def histogram(name: str, counted: Mapping[str, float]) -> Histogram:
    """Out of what ``read`` found."""
    of_name = {key.removeprefix(f"{name}:"): value for key, value in counted.items() if key.startswith(f"{name}:")}
    total = of_name.pop("sum", 0.0)
    return Histogram(Counter({int(bucket): int(count) for bucket, count in of_name.items()}), total)


async def publish(redis: AsyncRedis) -> None:
    """Raises RedisError, OSError: then it is told the next time."""
    global _new
    with _lock:
        told, _new = _new, Counter()
    try:
        async with redis.pipeline() as pipeline:  # as one, so that nothing is told twice
            for name, by in told.items():
                pipeline.hincrbyfloat(KEY, name, by)
            await pipeline.execute()
    except (RedisError, OSError):
        with _lock:
            _new.update(told)
        raise


def read(redis: Redis) -> dict[str, float]:
    """Those of all processes. Raises RedisError."""
    stored: Any = redis.hgetall(KEY)
    return {name.decode(): float(value) for name, value in stored.items()}
