"""Sends generations to the workers. A dispatch is a hint: a lost one is swept up, a double one is refused."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import current_app
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from conversations.models import Generation
from conversations.models.generation import Status
from streaming.leases import keys_of

logger = logging.getLogger(__name__)

EXPIRES_S = 8  # an older dispatch is dropped by the worker; by then the sweeper has sent others
SWEPT_AGAIN_AFTER_S = 3
PATIENCE = timedelta(seconds=1.5)  # with a queued one's first dispatch


def dispatch(generation_id: UUID) -> bool:
    """False if the broker is away: the message is in the database, and is swept up later."""
    arguments = [str(generation_id), timezone.now().isoformat()]
    try:
        current_app.send_task("streaming.tasks.generate", args=arguments, queue="generations", expires=EXPIRES_S)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("generation %s waits for the sweeper: %s", generation_id, error)
        return False
    return True


def sweep(redis: Redis) -> list[UUID]:
    """Dispatch every unfinished generation that nobody runs, unless that was done just now."""
    unclaimed_lately = Q(status=Status.QUEUED, accepted_at__gt=timezone.now() - PATIENCE)
    unfinished = Generation.objects.unfinished().exclude(unclaimed_lately).order_by("accepted_at")
    forsaken = [pk for pk in without_lease(redis, list(unfinished.values_list("pk", flat=True))) if mark(redis, pk)]
    for generation_id in forsaken:
        dispatch(generation_id)
    return forsaken


def without_lease(redis: Redis, generation_ids: list[UUID]) -> list[UUID]:
    """Those that no process has. One command."""
    leases: Any = redis.mget(keys_of(generation_ids)) if generation_ids else []
    return [pk for pk, lease in zip(generation_ids, leases, strict=True) if lease is None]


def mark(redis: Redis, generation_id: UUID) -> bool:
    """False if a sweep has dispatched it lately; from now on this one has."""
    return bool(redis.set(f"throughline:swept:{generation_id}", 1, nx=True, ex=SWEPT_AGAIN_AFTER_S))
