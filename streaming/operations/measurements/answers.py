"""Operators' stats of answers: ended ones from the history, unfinished ones from their rows. No user text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.db.models import Count, F, Min

from conversations.models import Generation
from conversations.models.generation.generation import UNFINISHED, GenerationQuerySet, Status
from conversations.models.generation.plan import StageResult
from conversations.models.operations.histogram import Histogram
from conversations.models.operations.history import Grain, stats_since
from conversations.models.operations.stats import FAILOVERS, TAKEOVERS, TOKENS_OUT, Measure, Stats

PERIODS = {"15 minutes": timedelta(minutes=15), "hour": timedelta(hours=1)}
SAMPLE = 1000  # latest ended generations, for the pace of servers
OWNER = "message__conversation__owner_id"


class Ended:
    """An answer of a sample. Its stage results are parsed once, since parsing them costs the most."""

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
    """What ended within a period, from the history: some seconds late, and from the start of a minute."""

    name: str
    seconds: float
    stats: Stats

    @classmethod
    def of(cls, name: str, length: timedelta, now: datetime) -> Period:
        """One query."""
        begin = Grain.MINUTE.begin_of(now - length)
        return cls(name, (now - begin).total_seconds(), stats_since(begin))

    @property
    def done(self) -> int:
        return self.stats.ended(Status.DONE)

    @property
    def stopped(self) -> int:
        return self.stats.ended(Status.STOPPED)

    @property
    def failed(self) -> int:
        return self.stats.ended(Status.FAILED)

    @property
    def takeovers(self) -> int:
        return self.stats.counts[TAKEOVERS]

    @property
    def failovers(self) -> int:
        return self.stats.counts[FAILOVERS]

    @property
    def throughput(self) -> float:
        """Tokens per second of all answers together."""
        return self.stats.counts[TOKENS_OUT] / self.seconds

    @property
    def first_token(self) -> Histogram:
        return self.stats.of(Measure.FIRST_TOKEN)

    @property
    def tokens_per_second(self) -> Histogram:
        """Of single answers."""
        return self.stats.of(Measure.SPEED)


def unfinished_counts() -> dict[Status, int]:
    """The numbers of queued and running generations. One query."""
    counted = dict(Generation.objects.unfinished().order_by().values_list("status").annotate(Count("pk")))
    return {status: counted.get(status, 0) for status in UNFINISHED}


def oldest_queued(now: datetime) -> timedelta | None:
    """How long the oldest queued generation has waited; None without one. Ignores those that wait only for their
    users' own running answers."""
    running = Generation.objects.order_by().filter(status=Status.RUNNING).values(owner=F(OWNER)).annotate(n=Count("pk"))
    busy = running.filter(n__gte=settings.RUNNING_ANSWERS_PER_USER).values_list("owner", flat=True)
    waiting = Generation.objects.filter(status=Status.QUEUED).exclude(**{f"{OWNER}__in": busy})
    since = waiting.aggregate(since=Min("accepted_at"))["since"]
    # It may have been accepted a moment after ``now``.
    return max(now - since, timedelta(0)) if since else None


def sample_of(rows: GenerationQuerySet) -> list[Ended]:
    """The latest of these rows, all of which have ended. One query."""
    return [Ended(generation) for generation in rows.order_by("-finished_at").without_texts()[:SAMPLE]]


def ended_since(moment: datetime) -> GenerationQuerySet:
    return Generation.objects.order_by().filter(finished_at__gte=moment)
