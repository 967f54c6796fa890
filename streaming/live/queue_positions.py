"""How many answers come before those that wait, and are watched here: a query and a look at the queue."""

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

PATIENCE_S = 0.5  # most are taken sooner, and nobody reads so fast


async def update_queue_positions(redis: Redis, open_answers: Iterable[LiveAnswer]) -> None:
    """Wakes who watches one that moved up. While no worker lives there are no positions, and nothing is shown.

    Raises Error, RedisError, OSError.
    """
    since = time.monotonic() - PATIENCE_S
    queued = [answer for answer in open_answers if answer.attempt == 0 and answer.known_since < since]
    if not queued:
        return
    owners = await in_database(owners_of, [answer.generation_id for answer in queued])
    known = await queue_positions(redis, owners) if owners and await has_worker(redis) else {}
    for answer in queued:
        position = known.get(answer.generation_id)
        if answer.attempt == 0 and answer.is_open and answer.queue_position != position:  # still
            answer.queue_position = position
            answer.wake()


def owners_of(generation_ids: list[UUID]) -> list[int]:
    """Of those among them that wait."""
    waiting = Generation.objects.filter(pk__in=generation_ids, status=Status.QUEUED).order_by()
    return list(waiting.values_list("message__conversation__owner_id", flat=True).distinct())
