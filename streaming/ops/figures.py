"""The operators' figures of answers, counted from the generations' rows. No text of users is among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles

from django.db.models import Count, F, Min, Q, Sum

from conversations.models import Generation
from conversations.models.generation import UNFINISHED, GenerationQuerySet, Status

PERIODS = {"15 minutes": timedelta(minutes=15), "hour": timedelta(hours=1)}
SAMPLE = 1000  # latest ended generations, from which percentiles are computed
TOP_ERRORS = 5
FAST_S = 1.0


@dataclass(frozen=True)
class Percentiles:
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Percentiles | None:
        """None without values. Exact: from the values themselves, with interpolation between neighbours."""
        if not values:
            return None
        cuts = quantiles(values, n=100, method="inclusive") if len(values) > 1 else [values[0]] * 99
        return cls(cuts[49], cuts[94], cuts[98])


@dataclass(frozen=True)
class Period:
    """What ended within a while."""

    name: str
    done: int
    stopped: int
    failed: int
    takeovers: int
    failovers: int
    throughput: float  # tokens per second, of all answers together
    time_to_first_token: Percentiles | None  # seconds; None if nothing is known
    fast_percent: float | None  # of the answers, those whose first token came within a second
    tokens_per_second: Percentiles | None

    @property
    def ended(self) -> int:
        return self.done + self.stopped + self.failed

    @property
    def failed_percent(self) -> float | None:
        """None if nothing ended."""
        return 100 * self.failed / self.ended if self.ended else None


def unfinished_counts() -> dict[Status, int]:
    """How many wait, and how many run. One query."""
    counted = dict(Generation.objects.unfinished().order_by().values_list("status").annotate(Count("pk")))
    return {status: counted.get(status, 0) for status in UNFINISHED}


def oldest_queued(now: datetime) -> timedelta | None:
    """How long the one that waits longest has waited; None if none waits."""
    since = Generation.objects.filter(status=Status.QUEUED).aggregate(since=Min("accepted_at"))["since"]
    return max(now - since, timedelta(0)) if since else None  # it may have come a moment after ``now``


def period(name: str, since: datetime, now: datetime, sample: list[Generation]) -> Period:
    """Counts are of all that ended, percentiles of those among ``sample``. One query."""
    counted = ended_since(since).aggregate(
        done=Count("pk", filter=Q(status=Status.DONE)),
        stopped=Count("pk", filter=Q(status=Status.STOPPED)),
        failed=Count("pk", filter=Q(status=Status.FAILED)),
        takeovers=Sum(F("attempt") - 1, filter=Q(attempt__gt=1)),
        failovers=Sum("failovers"),
        tokens=Sum("completion_tokens"),
    )
    latest = [generation for generation in sample if generation.finished_at and generation.finished_at >= since]
    first_tokens = [g.time_to_first_token.total_seconds() for g in latest if g.time_to_first_token]
    return Period(
        name=name,
        done=counted["done"],
        stopped=counted["stopped"],
        failed=counted["failed"],
        takeovers=counted["takeovers"] or 0,
        failovers=counted["failovers"] or 0,
        throughput=(counted["tokens"] or 0) / (now - since).total_seconds(),
        time_to_first_token=Percentiles.of(first_tokens),
        fast_percent=percent_below(FAST_S, first_tokens),
        tokens_per_second=Percentiles.of([g.tokens_per_second for g in latest if g.tokens_per_second]),
    )


def percent_below(limit: float, values: Sequence[float]) -> float | None:
    """None without values."""
    return 100 * sum(value < limit for value in values) / len(values) if values else None


def top_errors(since: datetime) -> list[tuple[str, int]]:
    counted = ended_since(since).exclude(error_code="").values_list("error_code").annotate(count=Count("pk"))
    return list(counted.order_by("-count", "error_code")[:TOP_ERRORS])


def ended_since(moment: datetime) -> GenerationQuerySet:
    return Generation.objects.order_by().filter(finished_at__gte=moment)
