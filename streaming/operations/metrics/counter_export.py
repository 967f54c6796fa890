"""Counts every ended generation once, for metrics that only grow, whichever process is asked and however often.

The rows are the source: whoever asks adds what has ended since the last time to a hash in Redis, as one transaction.
So purged conversations make no counter fall, and an end that no worker saw (a question stopped while queued) counts.
If Redis loses the hash, counting begins again, as after a restart.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from redis import Redis
from redis.client import Pipeline

from conversations import site_time
from conversations.models import Generation, LedgerEntry
from conversations.models.billing.ledger import EntryState
from streaming.telemetry.histograms import (
    DURATION,
    FELT_TIME_TO_FIRST_TOKEN,
    MODEL_TIME_TO_FIRST_TOKEN,
    QUEUE_WAIT,
    TIME_TO_FIRST_TOKEN,
    TIME_TO_STOP,
    bucket_of,
)

KEY = "throughline:tally"  # hash: name of a counter -> its value
COUNTED = "throughline:tally:counted"  # sorted set: ids of generations counted lately, by their end
PAID = "throughline:tally:paid"  # likewise, of the ledger's entries
UNTIL = "until"  # in the hash: everything that ended before has been counted
OVERLAP = timedelta(minutes=1)  # an end may be stored this much after its moment: clocks differ, transactions wait
LOOK_BACK = timedelta(hours=1)  # at the first time

HISTOGRAMS = (
    TIME_TO_FIRST_TOKEN,
    MODEL_TIME_TO_FIRST_TOKEN,
    FELT_TIME_TO_FIRST_TOKEN,
    QUEUE_WAIT,
    DURATION,
    TIME_TO_STOP,
)
SETTLED_WITHIN = timedelta(days=2)  # of the day when it was reserved, by which the ledger has its index
FIELDS = ("id", "status", "attempt", "prompt_tokens", "completion_tokens", "error_code", "failovers", "outcomes")
TIMING_FIELDS = ("timing__first_paint_ms", "timing__published_at")
MOMENTS = (
    *("accepted_at", "claimed_at", "requested_at", "first_token_at"),
    *("stop_requested_at", "upstream_ended_at", "finished_at"),
)


def export_counters(redis: Redis) -> dict[str, float]:
    """All counters, with everything that has ended until now. Raises RedisError."""

    def count_new(pipeline: Pipeline) -> None:
        now = site_time.now()
        until = counted_until(pipeline, now)
        now = max(now, until)  # never back, where another machine's clock is fast: ends would be counted twice
        since = until - OVERLAP
        ended = ended_since(since, members(pipeline, COUNTED))
        paid = paid_since(since, members(pipeline, PAID))
        pipeline.multi()
        add(pipeline, ended)
        add_costs(pipeline, paid)
        pipeline.hset(KEY, UNTIL, str(now.timestamp()))
        for key in (COUNTED, PAID):
            pipeline.zremrangebyscore(key, "-inf", (now - OVERLAP).timestamp())

    redis.transaction(count_new, KEY, COUNTED, PAID)  # again, if another process counts at the same time
    stored: Any = redis.hgetall(KEY)
    return {name.decode(): float(value) for name, value in stored.items()}


def members(redis: Pipeline, key: str) -> set[str]:
    known: Any = redis.zrange(key, 0, -1)
    return {member.decode() for member in known}


def counted_until(redis: Pipeline, now: datetime) -> datetime:
    stored: Any = redis.hget(KEY, UNTIL)
    return datetime.fromtimestamp(float(stored), UTC) if stored else now - LOOK_BACK


def ended_since(moment: datetime, known: set[str]) -> list[Generation]:
    rows = Generation.objects.order_by().filter(finished_at__gte=moment).only(*FIELDS, *MOMENTS, *TIMING_FIELDS)
    rows = rows.select_related("timing")
    return [generation for generation in rows.iterator() if str(generation.pk) not in known]


def add(pipeline: Pipeline, ended: list[Generation]) -> None:
    counts: Counter[str] = Counter()
    for generation in ended:
        counts.update(counts_of(generation))
        assert generation.finished_at is not None
        pipeline.zadd(COUNTED, {str(generation.pk): generation.finished_at.timestamp()})
    sums = {name: sum_of(name, ended) for name in HISTOGRAMS}
    for name, count in counts.items():
        pipeline.hincrby(KEY, name, count)
    for name, seconds in sums.items():
        pipeline.hincrbyfloat(KEY, f"{name}:sum", seconds)


def paid_since(moment: datetime, known: set[str]) -> list[LedgerEntry]:
    """Settled entries of the ledger."""
    recent = LedgerEntry.objects.filter(day__gte=(moment - SETTLED_WITHIN).date(), state=EntryState.SETTLED)
    rows = recent.filter(ended_at__gte=moment).order_by().only("tier", "cost", "ended_at")
    return [entry for entry in rows.iterator() if str(entry.pk) not in known]


def add_costs(pipeline: Pipeline, paid: list[LedgerEntry]) -> None:
    for entry in paid:
        assert entry.ended_at is not None
        pipeline.zadd(PAID, {str(entry.pk): entry.ended_at.timestamp()})
        pipeline.hincrbyfloat(KEY, f"cost:{entry.tier}", float(entry.cost or 0))


def counts_of(generation: Generation) -> dict[str, int]:
    """What one ended generation adds to which counter."""
    counts = {
        f"ended:{generation.status}": 1,
        "failovers": generation.failovers or 0,
        "takeovers": max(generation.attempt - 1, 0),
        "stop_requests": int(generation.stop_requested_at is not None),
        **tokens_of(generation),
    }
    if generation.error_code:
        counts[f"errors:{generation.error_code}"] = 1
    for name, seconds in seconds_of(generation).items():
        counts |= {f"{name}:count": 1, f"{name}:{bucket_of(name, seconds)}": 1}
    return counts


def tokens_of(generation: Generation) -> dict[str, int]:
    """That models read and wrote for it: without what was reused."""
    outcomes = generation.stage_results.values()
    reused = [outcome for outcome in outcomes if outcome.is_reused]
    return {
        "prompt_tokens": (generation.prompt_tokens or 0) - sum(one.prompt_tokens or 0 for one in reused),
        "cached_prompt_tokens": sum(one.cached_tokens or 0 for one in outcomes if not one.is_reused),
        "completion_tokens": (generation.completion_tokens or 0) - sum(one.completion_tokens or 0 for one in reused),
    }


def seconds_of(generation: Generation) -> dict[str, float]:
    """By histogram; what is not known is left out. Not below zero, whatever two clocks say: counters only grow."""
    spans = {
        TIME_TO_FIRST_TOKEN: generation.time_to_first_token,
        MODEL_TIME_TO_FIRST_TOKEN: generation.model_first_token,
        FELT_TIME_TO_FIRST_TOKEN: felt(generation),
        QUEUE_WAIT: between(generation.accepted_at, generation.claimed_at),
        DURATION: generation.duration,
        TIME_TO_STOP: generation.time_to_stop,
    }
    return {name: max(span.total_seconds(), 0.0) for name, span in spans.items() if span is not None}


def between(begun: datetime | None, ended: datetime | None) -> timedelta | None:
    """None without both, or if the first is a later attempt's."""
    return ended - begun if begun and ended and ended >= begun else None


def felt(generation: Generation) -> timedelta | None:
    """From the click to visible text, as the page told; None if it did not."""
    milliseconds = getattr(getattr(generation, "timing", None), "first_paint_ms", None)
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)


def sum_of(name: str, ended: list[Generation]) -> float:
    return sum(seconds_of(generation).get(name, 0.0) for generation in ended)
