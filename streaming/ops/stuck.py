"""Which unfinished generations need somebody's eye. The rule is told on the page as it stands here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from redis.exceptions import RedisError

from conversations.models import Generation
from conversations.models.generation import Status
from streaming.leases import keys_of
from streaming.presence import WorkerState, living
from streaming.viewers import viewers_now

from .live import redis_client

WITHOUT_LEASE_S = 8
QUEUED_S = 10
STOPPING_S = 10
FIRST_TOKEN_S = settings.VLLM_FIRST_TOKEN_TIMEOUT_S + 30  # by then the worker has asked another server, or given up
SILENT_S = settings.VLLM_SILENCE_TIMEOUT_S + 10  # likewise
RULE = (
    f"Stuck: running, without a process that holds its lease, and no sign of life for {WITHOUT_LEASE_S} s; or running "
    f"without a first token for {FIRST_TOKEN_S:.0f} s, or without another one for {SILENT_S:.0f} s, which is longer "
    f"than the time-outs allow; or queued for {QUEUED_S} s although a worker is alive; or still running {STOPPING_S} s "
    "after a stop was asked for."
)
LOOKED_AT = 1000  # running ones, at most


@dataclass(frozen=True)
class Sight:
    """What Redis knows of unfinished generations at this moment."""

    holders: dict[UUID, str]  # the processes that hold the leases
    viewers: Counter[UUID]
    has_worker: bool


def sight_of(generation_ids: Collection[UUID]) -> Sight | None:
    """None if Redis does not answer. Three commands or so."""
    ids = list(generation_ids)
    try:
        with redis_client() as redis:
            leases: Any = redis.mget(keys_of(ids)) if ids else []
            holders = {pk: lease.decode() for pk, lease in zip(ids, leases, strict=True) if lease}
            return Sight(holders, viewers_now(redis), bool(living(redis, WorkerState)))
    except (RedisError, OSError):
        return None


def stuck_running(now: datetime) -> int:
    """How many; those that wait for a worker are not among them. One query, and Redis if it answers."""
    running = Generation.objects.filter(status=Status.RUNNING).order_by("accepted_at")
    found = list(running.without_texts().defer("outcomes")[:LOOKED_AT])
    sight = sight_of([generation.pk for generation in found]) if found else None
    return sum(bool(trouble_of_running(generation, sight, now)) for generation in found)


def trouble_of(generation: Generation, sight: Sight | None, now: datetime) -> str:
    """Why it counts as stuck; empty if it does not."""
    if generation.status == Status.QUEUED:
        waited = seconds(generation.accepted_at, now)
        late = waited > QUEUED_S and sight is not None and sight.has_worker
        return f"queued for {waited:.0f} s" if late else ""
    return trouble_of_running(generation, sight, now) if generation.status == Status.RUNNING else ""


def trouble_of_running(generation: Generation, sight: Sight | None, now: datetime) -> str:
    silent = seconds(last_sign(generation), now)
    if sight is not None and generation.pk not in sight.holders and silent > WITHOUT_LEASE_S:
        return "no process has it"
    asked = generation.stop_requested_at
    if asked and seconds(asked, now) > STOPPING_S:
        return f"does not stop for {seconds(asked, now):.0f} s"
    patience = SILENT_S if generation.last_token_at else FIRST_TOKEN_S
    return f"no token for {silent:.0f} s" if silent > patience else ""


def last_sign(generation: Generation) -> datetime:
    """Of life: the latest token, or what came before it. Tokens are noted with the partial saves, every 2 s."""
    known = (generation.last_token_at, generation.requested_at, generation.claimed_at)
    return max((moment for moment in known if moment), default=generation.accepted_at)


def seconds(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()
