"""The operators' page of processes: which live, how they fare, and what is bad about it, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

from streaming.presence import BeatState, State, WebState, WorkerState, gone, living
from streaming.vitals import Vitals, versions

from .access import for_operators
from .live import redis_client
from .stores import (
    DATABASE_SLOW_MS,
    NEARLY_FULL,
    REDIS_SLOW_MS,
    DatabaseFigures,
    RedisFigures,
    database_figures,
    redis_figures,
)

LATE_MS = 50.0  # an event loop that wakes so late at p95
BEAT_LATE_MS = 1000.0
BUSY_CORES = 0.9  # more than one core a Python process can hardly use
GONE_SHOWN_FOR = timedelta(minutes=10)
KINDS: dict[type[State], str] = {WebState: "Web", WorkerState: "Worker", BeatState: "Beat"}
WITHOUT = {
    "Worker": "No worker is alive: questions are accepted, and wait.",
    "Beat": "No beat is alive: what a lost worker leaves is not swept up, and model servers are not probed.",
}


@dataclass(frozen=True)
class Row:
    """A process that lives, or lived lately."""

    kind: str
    state: State
    troubles: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.kind} {self.state.process}"

    @property
    def age(self) -> timedelta:
        """Of what is known of it."""
        return timezone.now() - self.state.told_at


@dataclass(frozen=True)
class Processes:
    living: list[Row]
    gone: list[Row]
    redis: RedisFigures | None  # None: it does not answer, and nothing above is known
    database: DatabaseFigures

    @property
    def troubles(self) -> list[str]:
        """What an operator should do something about."""
        if self.redis is None:
            return ["Redis does not answer. Which processes live is in Redis, and unknown until then."]
        kinds = {row.kind for row in self.living}
        return [
            *(sentence for kind, sentence in WITHOUT.items() if kind not in kinds),
            *(f"{row.name}: {trouble}" for row in self.living for trouble in row.troubles),
            *self.redis.troubles,
            *self.database.troubles,
        ]


@require_safe
@for_operators
def processes(request: HttpRequest) -> HttpResponse:
    context = {
        "live": True,
        "now": timezone.now(),
        "processes": processes_now(),
        "late_ms": LATE_MS,
        "beat_late_ms": BEAT_LATE_MS,
        "busy_cores": BUSY_CORES,
        "redis_slow_ms": REDIS_SLOW_MS,
        "database_slow_ms": DATABASE_SLOW_MS,
        "nearly_full": NEARLY_FULL,
        "gone_shown_minutes": GONE_SHOWN_FOR / timedelta(minutes=1),
    }
    return render(request, "ops/processes.html", context)


def processes_now() -> Processes:
    """Redis, if it answers, and two queries."""
    try:
        with redis_client() as redis:
            found = redis_figures(redis)
            kinds = [of_kind(redis, kind) for kind in KINDS]
            alive, missing = [row for rows, _ in kinds for row in rows], [row for _, rows in kinds for row in rows]
            return Processes(alive, missing, found, database_figures())
    except (RedisError, OSError):
        return Processes([], [], None, database_figures())


def of_kind(redis: Redis, kind: type[State]) -> tuple[list[Row], list[Row]]:
    """Those that live, and those that are gone."""
    alive = living(redis, kind)
    since = timezone.now() - GONE_SHOWN_FOR
    missing = [state for state in gone(redis, kind, alive) if state.told_at >= since]
    name = KINDS[kind]
    return [Row(name, state, list(troubles_of(state))) for state in alive], [Row(name, state) for state in missing]


def troubles_of(state: State) -> Iterator[str]:
    """Sentences that follow the process's name."""
    if isinstance(state, WorkerState) and 0 < state.limit <= state.running:
        yield f"it runs all {state.limit} answers that it may; further ones wait in the queue. Start another worker."
    if state.vitals:
        yield from troubles_with(state.vitals, BEAT_LATE_MS if isinstance(state, BeatState) else LATE_MS)


def troubles_with(vitals: Vitals, late_ms: float) -> Iterator[str]:
    if vitals.lag and vitals.lag.p95_ms > late_ms:
        yield f"it wakes {vitals.lag.p95_ms:.0f} ms late (p95), and all that it does waits that long."
    if vitals.cpu > BUSY_CORES:
        yield f"it keeps {vitals.cpu:.1f} cores busy, and can hardly do more. Start another one beside it."
    if differing := [name for name in versions() if vitals.versions.get(name) != versions()[name]]:
        told = other_versions(vitals, differing)
        yield f"it runs {told}, other than the process that shows this page. Restart the older one."


def other_versions(vitals: Vitals, names: Sequence[str]) -> str:
    return ", ".join(f"{name} {vitals.versions.get(name, 'of an unknown version')}" for name in names)
