"""Which unfinished generations are stuck. Pages show RULE as it is written here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError

from conversations.models import Generation
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import StageStatus
from streaming.coordination.leases import keys_of
from streaming.coordination.redis_clients import open_sync_client
from streaming.live.delivery import viewers_now
from streaming.telemetry.heartbeats import WorkerState, living

WITHOUT_LEASE_S = 8
QUEUED_S = 10
STOPPING_S = 10
LATE_S = 15  # by then the worker has given up the request, asked another server, and stored that
RULE = (
    f"Stuck: running, without a process that holds its lease, and no sign of life for {WITHOUT_LEASE_S} s; or with a "
    f"request to a model server that brings nothing, {LATE_S} s after the time-out of its tier (of whole answers: "
    f"after ten minutes); or queued for {QUEUED_S} s although a worker is up; or still running {STOPPING_S} s after "
    "a stop was asked for. What waits for room at a model server has asked for nothing yet, and may wait."
)
LOOKED_AT = 1000  # running generations, at most
READ = ("status", "outcomes", "accepted_at", "claimed_at", "requested_at", "last_token_at", "stop_requested_at")


@dataclass(frozen=True)
class LiveState:
    """What Redis knows of unfinished generations at this moment."""

    holders: dict[UUID, str]  # processes that hold the leases
    viewers: Counter[UUID]
    has_worker: bool


def live_state_of(generation_ids: Collection[UUID]) -> LiveState | None:
    """None if Redis does not answer. About three commands."""
    ids = list(generation_ids)
    try:
        with open_sync_client() as redis:
            leases: Any = redis.mget(keys_of(ids)) if ids else []
            holders = {pk: lease.decode() for pk, lease in zip(ids, leases, strict=True) if lease}
            return LiveState(holders, viewers_now(redis), bool(living(redis, WorkerState)))
    except (RedisError, OSError):
        return None


def stuck_running(now: datetime) -> int:
    """The number of stuck running generations; queued ones are not counted. One query, and Redis if it answers."""
    running = Generation.objects.filter(status=Status.RUNNING).order_by("accepted_at")
    found = list(running.only(*READ)[:LOOKED_AT])
    live_state = live_state_of([generation.pk for generation in found]) if found else None
    return sum(bool(problem_of_running(generation, live_state, now)) for generation in found)


def problem_of(generation: Generation, live_state: LiveState | None, now: datetime) -> str:
    """Why the generation counts as stuck; empty if it does not."""
    if generation.status == Status.QUEUED:
        waited = seconds(generation.accepted_at, now)
        late = waited > QUEUED_S and live_state is not None and live_state.has_worker
        return f"queued for {waited:.0f} s" if late else ""
    return problem_of_running(generation, live_state, now) if generation.status == Status.RUNNING else ""


def problem_of_running(generation: Generation, live_state: LiveState | None, now: datetime) -> str:
    silent = seconds(last_sign(generation), now)
    if live_state is not None and generation.pk not in live_state.holders and silent > WITHOUT_LEASE_S:
        return "no process has it"
    asked = generation.stop_requested_at
    if asked and seconds(asked, now) > STOPPING_S:
        return f"does not stop for {seconds(asked, now):.0f} s"
    late = overdue(generation, now)
    return f"no token {late:.0f} s after the time-out" if late > LATE_S else ""


def overdue(generation: Generation, now: datetime) -> float:
    """Seconds since a worker should have given up a stage's request; negative if that is not due, or there is none."""
    stages = [stage for stage in generation.stage_results.values() if stage.status == StageStatus.RUNNING]
    first = min((stage.due_s for stage in stages if stage.due_s is not None), default=None)
    return -1.0 if first is None else seconds(generation.accepted_at, now) - first


def last_sign(generation: Generation) -> datetime:
    """The last sign of life: the latest token, else what came before it. Tokens are recorded with the partial saves,
    every 2 s."""
    known = (generation.last_token_at, generation.requested_at, generation.claimed_at)
    return max((moment for moment in known if moment), default=generation.accepted_at)


def seconds(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()
