"""Counters that processes keep themselves. Every second or two each process adds its new counts to one Redis hash,
shared by all, so counters only grow, whichever process is scraped. A killed process loses its unpublished counts.
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
CACHE = "cache"  # plus ":hit", ":joined" or ":miss"
FALLBACK = "fallback"  # plus ":" and one of FALLBACKS
FALLBACKS = OTHER_TIER, WHOLE, STAGE_LEFT_OUT, BUDGET = "other_tier", "not_streamed", "stage_left_out", "budget"

_lock = Lock()
_new: Counter[str] = Counter()  # not published yet; values are ints or floats


def add(name: str, by: int = 1) -> None:
    with _lock:
        _new[name] += by


def fell_back(how: str) -> None:
    """Counts an answer made otherwise than planned. ``how`` is one of FALLBACKS."""
    add(f"{FALLBACK}:{how}")


def observe(name: str, durations: Iterable[float]) -> None:
    """Adds durations, in seconds, to the histogram."""
    found = Histogram()
    for seconds in durations:
        found.observe(seconds)
    with _lock:
        _new.update({f"{name}:{bucket}": count for bucket, count in found.buckets.items()})
        _new[f"{name}:sum"] += found.sum  # type: ignore[assignment]


def histogram(name: str, counted: Mapping[str, float]) -> Histogram:
    """From the counters that ``read`` returned."""
    of_name = {key.removeprefix(f"{name}:"): value for key, value in counted.items() if key.startswith(f"{name}:")}
    total = of_name.pop("sum", 0.0)
    return Histogram(Counter({int(bucket): int(count) for bucket, count in of_name.items()}), total)


async def publish(redis: AsyncRedis) -> None:
    """Raises RedisError, OSError; the counts are then published the next time."""
    global _new
    with _lock:
        pending, _new = _new, Counter()
    try:
        # One transaction, so that a retry counts nothing twice.
        async with redis.pipeline() as pipeline:
            for name, by in pending.items():
                pipeline.hincrbyfloat(KEY, name, by)
            await pipeline.execute()
    except (RedisError, OSError):
        with _lock:
            _new.update(pending)
        raise


def read(redis: Redis) -> dict[str, float]:
    """The counters of all processes. Raises RedisError."""
    stored: Any = redis.hgetall(KEY)
    return {name.decode(): float(value) for name, value in stored.items()}
