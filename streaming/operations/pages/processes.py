"""The operators' page of processes: which are up, their stats, and their problems in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

from conversations import site_time
from streaming.coordination.redis_clients import open_sync_client
from streaming.operations.health.diagnosis import NO_BACKGROUND, NO_BEAT, NO_WORKER
from streaming.operations.health.process_checks import BEAT_LATE_MS, BUSY_CORES, KINDS, LATE_MS, name_of, problems_of
from streaming.operations.measurements.stores import (
    DATABASE_SLOW_MS,
    NEARLY_FULL,
    REDIS_SLOW_MS,
    DatabaseStats,
    RedisStats,
    database_stats,
    redis_stats,
)
from streaming.telemetry.heartbeats import State, living, missing
from streaming.telemetry.watchdog import REPORTED_FOR, Replaced, replaced_since

from .access import for_operators
from .fragments import served_as_fragment

DOWN_SHOWN_FOR = timedelta(minutes=10)
WITHOUT = {"Worker": NO_WORKER, "Background": NO_BACKGROUND, "Beat": NO_BEAT}


@dataclass(frozen=True)
class Row:
    """A process that is up, or was lately."""

    kind: str
    state: State
    problems: list[str] = field(default_factory=list)

    @property
    def age(self) -> timedelta:
        """Time since its last heartbeat."""
        return site_time.now() - self.state.told_at


@dataclass(frozen=True)
class Processes:
    living: list[Row]
    down: list[Row]
    replaced: list[Replaced]  # of the last day, latest first
    redis: RedisStats | None  # None: Redis is down, and nothing above is known
    database: DatabaseStats

    @property
    def problems(self) -> list[str]:
        """What needs an operator's action."""
        if self.redis is None:
            return ["Redis does not answer. Which processes are up is unknown until it does."]
        kinds = {row.kind for row in self.living}
        return [
            *(sentence for kind, sentence in WITHOUT.items() if kind not in kinds),
            *(f"{name_of(row.state)}: {problem}" for row in self.living for problem in row.problems),
            *self.redis.problems,
            *self.database.problems,
        ]


@require_safe
@for_operators
@served_as_fragment
def processes(request: HttpRequest) -> HttpResponse:
    context = {
        "live": True,
        "now": site_time.now(),
        "processes": processes_now(),
        "late_ms": LATE_MS,
        "beat_late_ms": BEAT_LATE_MS,
        "busy_cores": BUSY_CORES,
        "redis_slow_ms": REDIS_SLOW_MS,
        "database_slow_ms": DATABASE_SLOW_MS,
        "nearly_full": NEARLY_FULL,
        "down_shown_minutes": DOWN_SHOWN_FOR / timedelta(minutes=1),
    }
    return render(request, "operations/processes.html", context)


def processes_now() -> Processes:
    """Redis if it answers, and two queries."""
    try:
        with open_sync_client() as redis:
            found = redis_stats(redis)
            kinds = [of_kind(redis, kind) for kind in KINDS]
            up, down = [row for rows, _ in kinds for row in rows], [row for _, rows in kinds for row in rows]
            replaced = replaced_since(redis, site_time.now() - REPORTED_FOR)
            return Processes(up, down, replaced, found, database_stats())
    except (RedisError, OSError):
        return Processes([], [], [], None, database_stats())


def of_kind(redis: Redis, kind: type[State]) -> tuple[list[Row], list[Row]]:
    """The processes of this kind that are up, and those that went down lately."""
    up = living(redis, kind)
    since = site_time.now() - DOWN_SHOWN_FOR
    down = [state for state in missing(redis, kind, up) if state.told_at >= since]
    name = KINDS[kind]
    return [Row(name, state, list(problems_of(state))) for state in up], [Row(name, state) for state in down]
