"""The operators' figures: counted from the generations' rows, and read from Redis. No text of users is among them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles

from django.db.models import F
from django.utils import timezone
from redis import Redis
from redis.exceptions import RedisError

from conversations.models import Generation
from conversations.models.generation import Status, moments
from streaming.model_health import Health, last_probes
from streaming.ops.health import redis
from streaming.workers import WorkerState, living_workers

WINDOW = timedelta(minutes=15)
LOOKED_AT = 2000  # latest generations of the window, at most
RECENT = 50
STAGES = ("accepted", "dispatched", "claimed", "requested", "first_token", "last_token", "finished")
BAR_WIDTH = 240  # of the picture of a generation's life, in its own units


@dataclass(frozen=True)
class Percentiles:
    p50: float
    p95: float

    @classmethod
    def of(cls, values: list[float]) -> Percentiles | None:
        """None without values. Exact, from the values themselves."""
        if not values:
            return None
        cuts = quantiles(values, n=20, method="inclusive") if len(values) > 1 else values * 19
        return cls(cuts[9], cuts[18])


@dataclass(frozen=True)
class Span:
    """A phase of a generation in its picture."""

    name: str
    seconds: float
    x: float
    width: float


@dataclass(frozen=True)
class Row:
    generation: Generation
    owner: str
    spans: list[Span]


@dataclass(frozen=True)
class RedisState:
    version: str
    memory: str
    clients: int


@dataclass(frozen=True)
class Overview:
    at: datetime
    window_minutes: int
    running: int
    queued: int
    outcomes: dict[str, int]
    errors: list[tuple[str, int]]
    error_share: float | None  # of those that ended; None if none did
    time_to_first_token: Percentiles | None  # seconds
    tokens_per_second: Percentiles | None
    throughput: float  # tokens per second of all, over the window
    takeovers: int
    servers: list[Health]
    workers: list[WorkerState]
    redis: RedisState | None  # None: it does not answer


def overview() -> Overview:
    """Four queries, and Redis if it answers."""
    since = timezone.now() - WINDOW
    ended = list(Generation.objects.filter(finished_at__gte=since).order_by("-finished_at")[:LOOKED_AT])
    outcomes = Counter(generation.status for generation in ended)
    failed = outcomes[Status.FAILED]
    servers, workers, state = live_state()
    first = [g.time_to_first_token.total_seconds() for g in ended if g.time_to_first_token is not None]
    return Overview(
        at=timezone.now(),
        window_minutes=int(WINDOW.total_seconds() // 60),
        running=Generation.objects.filter(status=Status.RUNNING).count(),
        queued=Generation.objects.filter(status=Status.QUEUED).count(),
        outcomes={status.label: outcomes[status] for status in (Status.DONE, Status.STOPPED, Status.FAILED)},
        errors=Counter(g.error_code for g in ended if g.error_code).most_common(5),
        error_share=failed / len(ended) if ended else None,
        time_to_first_token=Percentiles.of(first),
        tokens_per_second=Percentiles.of([g.tokens_per_second for g in ended if g.tokens_per_second]),
        throughput=sum(g.completion_tokens or 0 for g in ended) / WINDOW.total_seconds(),
        takeovers=sum(max(g.attempt - 1, 0) for g in ended),
        servers=servers,
        workers=workers,
        redis=state,
    )


def live_state() -> tuple[list[Health], list[WorkerState], RedisState | None]:
    try:
        with redis() as client:
            return last_probes(client), living_workers(client), redis_state(client)
    except (RedisError, OSError):
        return [], [], None


def redis_state(client: Redis) -> RedisState:
    info = client.info()
    assert isinstance(info, dict)
    return RedisState(info["redis_version"], info["used_memory_human"], info["connected_clients"])


def recent(status: str = "") -> list[Row]:
    """The latest generations; one query."""
    rows = Generation.objects.annotate(owner=F("message__conversation__owner__username")).order_by("-accepted_at")
    if status in Status.values:
        rows = rows.filter(status=status)
    return [Row(generation, generation.owner, spans_of(generation)) for generation in rows[:RECENT]]


def spans_of(generation: Generation) -> list[Span]:
    """Where its time went: from each moment to the next, drawn to scale of the whole."""
    known = [(name, moment) for name, moment in moments(generation) if name in STAGES]
    known.sort(key=lambda pair: pair[1])
    whole = (known[-1][1] - known[0][1]).total_seconds() if known else 0
    if whole <= 0:
        return []
    spans: list[Span] = []
    x = 0.0
    for (_, begun), (name, ended) in zip(known, known[1:], strict=False):
        seconds = (ended - begun).total_seconds()
        width = BAR_WIDTH * seconds / whole
        spans.append(Span(name, seconds, round(x, 2), round(width, 2)))
        x += width
    return spans
