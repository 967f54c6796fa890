"""The operators' figures of answers, counted from the generations' rows. No text of users is among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from statistics import quantiles

from django.conf import settings
from django.db.models import Count, F, Min, Q, Sum

from conversations.models import Generation
from conversations.models.generation.generation import UNFINISHED, GenerationQuerySet, Status
from conversations.models.generation.plan import StageResult

PERIODS = {"15 minutes": timedelta(minutes=15), "hour": timedelta(hours=1)}
SAMPLE = 1000  # latest ended generations, from which percentiles are computed
TOP_ERRORS = 5
FAST_S = 1.0
OWNER = "message__conversation__owner_id"


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


class Ended:
    """An answer of a sample. Its outcomes are read once, however many figures are made of it: they cost the most."""

    def __init__(self, generation: Generation) -> None:
        assert generation.finished_at is not None
        self.generation = generation
        self.finished_at = generation.finished_at

    @cached_property
    def outcomes(self) -> list[StageResult]:
        return list(self.generation.stage_results.values())

    @cached_property
    def tokens_per_second(self) -> float | None:
        return self.generation.tokens_per_second


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
    """How long the one that waits longest has waited; None if none waits, but for their users' own other answers."""
    running = Generation.objects.order_by().filter(status=Status.RUNNING).values(owner=F(OWNER)).annotate(n=Count("pk"))
    busy = running.filter(n__gte=settings.RUNNING_ANSWERS_PER_USER).values_list("owner", flat=True)
    waiting = Generation.objects.filter(status=Status.QUEUED).exclude(**{f"{OWNER}__in": busy})
    since = waiting.aggregate(since=Min("accepted_at"))["since"]
    return max(now - since, timedelta(0)) if since else None  # it may have come a moment after ``now``


def period(name: str, since: datetime, now: datetime, sample: Sequence[Ended]) -> Period:
    """Counts are of all that ended, percentiles of those among ``sample``. One query."""
    counted = ended_since(since).aggregate(
        done=Count("pk", filter=Q(status=Status.DONE)),
        stopped=Count("pk", filter=Q(status=Status.STOPPED)),
        failed=Count("pk", filter=Q(status=Status.FAILED)),
        takeovers=Sum(F("attempt") - 1, filter=Q(attempt__gt=1)),
        failovers=Sum("failovers"),
        tokens=Sum("completion_tokens"),
    )
    latest = [answer for answer in sample if answer.finished_at >= since]
    waits = [answer.generation.time_to_first_token for answer in latest]
    first_tokens = [wait.total_seconds() for wait in waits if wait]
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
        tokens_per_second=Percentiles.of([rate for answer in latest if (rate := answer.tokens_per_second)]),
    )


def percent_below(limit: float, values: Sequence[float]) -> float | None:
    """None without values."""
    return 100 * sum(value < limit for value in values) / len(values) if values else None


def top_errors(since: datetime) -> list[tuple[str, int]]:
    counted = ended_since(since).exclude(error_code="").values_list("error_code").annotate(count=Count("pk"))
    return list(counted.order_by("-count", "error_code")[:TOP_ERRORS])


def sample_of(rows: GenerationQuerySet) -> list[Ended]:
    """The latest of these rows, which have ended. One query."""
    return [Ended(generation) for generation in rows.order_by("-finished_at").without_texts()[:SAMPLE]]


def ended_since(moment: datetime) -> GenerationQuerySet:
    return Generation.objects.order_by().filter(finished_at__gte=moment)
