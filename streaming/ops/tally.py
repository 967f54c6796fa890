"""Counts every ended generation once, for metrics that only grow, whichever process is asked and however often.

The rows are the source: whoever asks adds what has ended since the last time to a hash in Redis, as one transaction.
So purged conversations make no counter fall, and an end that no worker saw (a question stopped while queued) counts.
If Redis loses the hash, counting begins again, as after a restart.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from redis import Redis
from redis.client import Pipeline

from conversations.models import Generation

KEY = "throughline:tally"  # hash: name of a counter -> its value
COUNTED = "throughline:tally:counted"  # sorted set: ids counted lately, by their end
UNTIL = "until"  # in the hash: everything that ended before has been counted
OVERLAP = timedelta(minutes=1)  # an end may be stored this much after its moment: clocks differ, transactions wait
LOOK_BACK = timedelta(hours=1)  # at the first time

TIME_TO_FIRST_TOKEN = "time_to_first_token"
DURATION = "duration"
BOUNDS_S = {
    TIME_TO_FIRST_TOKEN: (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0),
    DURATION: (0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0),
}
FIELDS = ("id", "status", "attempt", "prompt_tokens", "completion_tokens", "error_code", "failovers")
MOMENTS = ("accepted_at", "first_token_at", "finished_at")


def tally(redis: Redis) -> dict[str, float]:
    """All counters, with everything that has ended until now. Raises RedisError."""

    def count_new(pipeline: Pipeline) -> None:
        now = timezone.now()
        since = counted_until(pipeline, now) - OVERLAP
        known: Any = pipeline.zrange(COUNTED, 0, -1)
        new = ended_since(since, {member.decode() for member in known})
        pipeline.multi()
        add(pipeline, new)
        pipeline.hset(KEY, UNTIL, str(now.timestamp()))
        pipeline.zremrangebyscore(COUNTED, "-inf", (now - OVERLAP).timestamp())

    redis.transaction(count_new, KEY, COUNTED)  # again, if another process counts at the same time
    stored: Any = redis.hgetall(KEY)
    return {name.decode(): float(value) for name, value in stored.items()}


def counted_until(redis: Pipeline, now: datetime) -> datetime:
    stored: Any = redis.hget(KEY, UNTIL)
    return datetime.fromtimestamp(float(stored), UTC) if stored else now - LOOK_BACK


def ended_since(moment: datetime, known: set[str]) -> list[Generation]:
    rows = Generation.objects.order_by().filter(finished_at__gte=moment).only(*FIELDS, *MOMENTS)
    return [generation for generation in rows.iterator() if str(generation.pk) not in known]


def add(pipeline: Pipeline, ended: list[Generation]) -> None:
    counts: Counter[str] = Counter()
    for generation in ended:
        counts.update(counts_of(generation))
        assert generation.finished_at is not None
        pipeline.zadd(COUNTED, {str(generation.pk): generation.finished_at.timestamp()})
    sums = {name: sum_of(name, ended) for name in BOUNDS_S}
    for name, count in counts.items():
        pipeline.hincrby(KEY, name, count)
    for name, seconds in sums.items():
        pipeline.hincrbyfloat(KEY, f"{name}:sum", seconds)


def counts_of(generation: Generation) -> dict[str, int]:
    """What one ended generation adds to which counter."""
    counts = {
        f"ended:{generation.status}": 1,
        "failovers": generation.failovers or 0,
        "takeovers": max(generation.attempt - 1, 0),
        "prompt_tokens": generation.prompt_tokens or 0,
        "completion_tokens": generation.completion_tokens or 0,
    }
    if generation.error_code:
        counts[f"errors:{generation.error_code}"] = 1
    for name in BOUNDS_S:
        seconds = seconds_of(name, generation)
        if seconds is not None:
            counts |= {f"{name}:count": 1, f"{name}:{bucket_of(name, seconds)}": 1}
    return counts


def seconds_of(name: str, generation: Generation) -> float | None:
    span = generation.time_to_first_token if name == TIME_TO_FIRST_TOKEN else generation.duration
    return span.total_seconds() if span is not None else None


def sum_of(name: str, ended: list[Generation]) -> float:
    return sum(seconds_of(name, generation) or 0.0 for generation in ended)


def bucket_of(name: str, seconds: float) -> str:
    """Its upper bound; "+Inf" above the last."""
    bounds = BOUNDS_S[name]
    index = bisect_left(bounds, seconds)
    return str(bounds[index]) if index < len(bounds) else "+Inf"


def buckets(name: str, counters: Mapping[str, float]) -> list[tuple[str, float]]:
    """As Prometheus wants them: cumulative, the last one is the count."""
    found: list[tuple[str, float]] = []
    total = 0.0
    for bound in BOUNDS_S[name]:
        total += counters.get(f"{name}:{bound}", 0)
        found.append((str(bound), total))
    return [*found, ("+Inf", counters.get(f"{name}:count", 0))]
