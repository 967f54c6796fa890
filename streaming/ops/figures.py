"""The operators' figures, counted from the generations' rows. No text of users is among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles

from django.db import connection
from django.db.models import Count, F, Min, Q, Sum
from django.utils import timezone

from conversations.models import Generation
from conversations.models.generation import GenerationQuerySet, Status

from .live import Live, live
from .phases import Span, spans_of
from .troubles import troubles

PERIODS = {"15 minutes": timedelta(minutes=15), "hour": timedelta(hours=1)}
SAMPLE = 1000  # latest ended generations, from which percentiles are computed
RECENT = 50
TOP_ERRORS = 5
NEVER_READ = ("error_detail", "message__conversation__title", "message__conversation__owner__password")


@dataclass(frozen=True)
class Percentiles:
    p50: float
    p95: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Percentiles | None:
        """None without values. Exact: from the values themselves, with interpolation between neighbours."""
        if not values:
            return None
        cuts = quantiles(values, n=20, method="inclusive") if len(values) > 1 else [values[0]] * 19
        return cls(cuts[9], cuts[18])


@dataclass(frozen=True)
class Period:
    """What ended within a while."""

    name: str
    done: int
    stopped: int
    failed: int
    takeovers: int
    throughput: float  # tokens per second, of all answers together
    time_to_first_token: Percentiles | None  # seconds; None if nothing is known
    tokens_per_second: Percentiles | None

    @property
    def ended(self) -> int:
        return self.done + self.stopped + self.failed

    @property
    def failed_percent(self) -> float | None:
        """None if nothing ended."""
        return 100 * self.failed / self.ended if self.ended else None


@dataclass(frozen=True)
class Overview:
    at: datetime
    running: int
    queued: int
    oldest_queued: timedelta | None
    periods: list[Period]
    errors: list[tuple[str, int]]  # of the longest period, the most frequent first
    live: Live
    troubles: list[str]  # with what admins set up
    database: str


@dataclass(frozen=True)
class Row:
    generation: Generation
    owner: str
    spans: list[Span]


def overview() -> Overview:
    """Ten queries, and Redis if it answers."""
    now = timezone.now()
    longest = now - max(PERIODS.values())
    unfinished = dict(Generation.objects.unfinished().order_by().values_list("status").annotate(Count("pk")))
    state = live()
    sample = list(ended_since(longest).order_by("-finished_at").defer("error_detail")[:SAMPLE])
    return Overview(
        at=now,
        running=unfinished.get(Status.RUNNING, 0),
        queued=unfinished.get(Status.QUEUED, 0),
        oldest_queued=oldest_queued(now),
        periods=[period(name, now - length, now, sample) for name, length in PERIODS.items()],
        errors=top_errors(longest),
        live=state,
        troubles=troubles([server.probe for server in state.servers if server.probe and server.is_fresh]),
        database=database_name(),
    )


def oldest_queued(now: datetime) -> timedelta | None:
    """How long the one that waits longest has waited; None if none waits."""
    since = Generation.objects.filter(status=Status.QUEUED).aggregate(since=Min("accepted_at"))["since"]
    return now - since if since else None


def period(name: str, since: datetime, now: datetime, sample: list[Generation]) -> Period:
    """Counts are of all that ended, percentiles of those among ``sample``. One query."""
    counted = ended_since(since).aggregate(
        done=Count("pk", filter=Q(status=Status.DONE)),
        stopped=Count("pk", filter=Q(status=Status.STOPPED)),
        failed=Count("pk", filter=Q(status=Status.FAILED)),
        takeovers=Sum(F("attempt") - 1, filter=Q(attempt__gt=1)),
        tokens=Sum("completion_tokens"),
    )
    latest = [generation for generation in sample if generation.finished_at and generation.finished_at >= since]
    return Period(
        name=name,
        done=counted["done"],
        stopped=counted["stopped"],
        failed=counted["failed"],
        takeovers=counted["takeovers"] or 0,
        throughput=(counted["tokens"] or 0) / (now - since).total_seconds(),
        time_to_first_token=Percentiles.of(
            [g.time_to_first_token.total_seconds() for g in latest if g.time_to_first_token]
        ),
        tokens_per_second=Percentiles.of([g.tokens_per_second for g in latest if g.tokens_per_second]),
    )


def top_errors(since: datetime) -> list[tuple[str, int]]:
    counted = ended_since(since).exclude(error_code="").values_list("error_code").annotate(count=Count("pk"))
    return list(counted.order_by("-count", "error_code")[:TOP_ERRORS])


def ended_since(moment: datetime) -> GenerationQuerySet:
    return Generation.objects.order_by().filter(finished_at__gte=moment)


def database_name() -> str:
    """Such as "SQLite 3.45.1": that it can be told means that it answers."""
    connection.ensure_connection()
    return f"{connection.display_name} {'.'.join(map(str, connection.get_database_version()))}"


def recent(status: str = "") -> list[Row]:
    """The latest generations, of one state or of all. One query."""
    rows = Generation.objects.select_related("message__conversation__owner").defer(*NEVER_READ).order_by("-accepted_at")
    if status in Status.values:
        rows = rows.filter(status=status)
    return [row_of(generation) for generation in rows[:RECENT]]


def row_of(generation: Generation) -> Row:
    return Row(generation, generation.message.conversation.owner.get_username(), spans_of(generation))
