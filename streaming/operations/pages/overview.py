"""The operators' first page: current counts, recent periods, live state, and the score and diagnosis made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conversations import site_time
from conversations.models import Generation
from conversations.models.billing.budget import SiteUse
from conversations.models.generation.generation import Status
from streaming.operations.health.config_warnings import problems
from streaming.operations.health.diagnosis import Finding, diagnosis
from streaming.operations.health.score import Score, score_of
from streaming.operations.health.snapshot import SiteSnapshot
from streaming.operations.health.stuck import stuck_running
from streaming.operations.measurements.answers import (
    PERIODS,
    Period,
    ended_since,
    oldest_queued,
    sample_of,
    unfinished_counts,
)
from streaming.operations.measurements.live import Live, live
from streaming.operations.measurements.paces import paces
from streaming.operations.measurements.stores import DatabaseStats, database_stats

from .access import for_operators
from .alerts import open_alerts
from .fragments import served_as_fragment

TOP_ERRORS = 5
MOST_RUNNING = 1000  # examined one by one


@dataclass(frozen=True)
class Overview:
    at: datetime
    running: int
    periods: list[Period]
    live: Live
    database: DatabaseStats
    spent: SiteUse
    now: SiteSnapshot
    problems: list[str]  # with the admins' settings

    @property
    def lately(self) -> Period:
        """The shortest period."""
        return self.periods[0]

    @property
    def errors(self) -> list[tuple[str, int]]:
        """Of the longest period, most frequent first."""
        return self.periods[-1].stats.errors[:TOP_ERRORS]

    @property
    def findings(self) -> list[Finding]:
        return [*diagnosis(self.now), *(Finding("Set-up", problem, "warning") for problem in self.problems)]

    @property
    def score(self) -> Score:
        return score_of(self.now)


@require_safe
@for_operators
@served_as_fragment
def overview(request: HttpRequest) -> HttpResponse:
    context = {"live": True, "overview": current_overview(), "alerts": open_alerts()}
    return render(request, "operations/overview.html", context)


def current_overview() -> Overview:
    """Nineteen queries, five of them to measure the database; on PostgreSQL one more. And Redis if it answers."""
    at = site_time.now()
    sample = sample_of(ended_since(at - max(PERIODS.values())))
    periods = [Period.of(name, length, at) for name, length in PERIODS.items()]
    counts, lately = unfinished_counts(), periods[0].stats
    seen, database, spent = live(), database_stats(), SiteUse.of_today()
    now = SiteSnapshot(
        **of_redis(seen),
        **of_queue(at, counts),
        database_ms=database.query_ms,
        store_warnings=[*(seen.redis.warnings if seen.redis else ()), *database.warnings],
        paces=paces(sample, running(), at),
        failed_percent=lately.failed_percent,
        top_error=lately.errors[0][0] if lately.errors else "",
        fast_percent=lately.fast_percent,
        budget_percent=spent.percent,
    )
    fresh = [server.probe for server in seen.servers if server.probe and server.is_fresh]
    return Overview(at, counts[Status.RUNNING], periods, seen, database, spent, now, problems(fresh))


def of_redis(seen: Live) -> dict[str, Any]:
    return {
        "redis_ms": seen.redis.ping_ms if seen.redis else None,
        "processes": seen.processes,
        "replaced": seen.replaced,
        "beats": len(seen.beats),
        "backgrounds": len(seen.backgrounds),
        "workers": len(seen.workers),
        "attempts": seen.attempts,
        "room": len(seen.workers) * settings.GENERATIONS_PER_WORKER,
        "servers": seen.servers,
        "sockets": seen.sockets,
        "waiting": seen.waiting,
    }


def of_queue(at: datetime, counts: Mapping[Status, int]) -> dict[str, Any]:
    oldest = oldest_queued(at)
    waited_s = oldest.total_seconds() if oldest else 0.0
    return {"queued": counts[Status.QUEUED], "oldest_queued_s": waited_s, "stuck": stuck_running(at)}


def running() -> list[Generation]:
    """One query."""
    rows = Generation.objects.filter(status=Status.RUNNING).order_by("-accepted_at")
    return list(rows.without_texts()[:MOST_RUNNING])
