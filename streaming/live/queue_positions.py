"""Updates the queue positions of the waiting answers that are watched here."""

from __future__ import annotations

import time
from collections.abc import Iterable
from uuid import UUID

from redis.asyncio import Redis

from conversations.models import Generation
from conversations.models.generation.generation import Status
from streaming.coordination.answer_queue import queue_positions
from streaming.coordination.database import in_database
from streaming.telemetry.heartbeats import has_worker

from .answer import LiveAnswer

PATIENCE_S = 0.5  # most answers are taken sooner, and nobody reads so fast


async def update_queue_positions(redis: Redis, open_answers: Iterable[LiveAnswer]) -> None:
    """Wakes the watchers of answers whose position changed. Without a live worker no positions are shown.

    One query and one look at the queue. Raises Error, RedisError, OSError.
    """
    since = time.monotonic() - PATIENCE_S
    queued = [answer for answer in open_answers if answer.attempt == 0 and answer.known_since < since]
    if not queued:
        return
    owners = await in_database(owners_of, [answer.generation_id for answer in queued])
    known = await queue_positions(redis, owners) if owners and await has_worker(redis) else {}
    for answer in queued:
        position = known.get(answer.generation_id)
        if answer.attempt == 0 and answer.is_open and answer.queue_position != position:  # it may have begun meanwhile
            answer.queue_position = position
            answer.wake()


def owners_of(generation_ids: list[UUID]) -> list[int]:
    """Owners of those that are still queued."""
    waiting = Generation.objects.filter(pk__in=generation_ids, status=Status.QUEUED).order_by()
    return list(waiting.values_list("message__conversation__owner_id", flat=True).distinct())
