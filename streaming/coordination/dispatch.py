"""Sends answers to the workers: they stand in the queue, and a hint says that there is something to take.

A hint is a Celery task that names no answer: whichever worker has room takes the next one. A lost hint costs until the
next sweep, one too many finds nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from conversations.models import Generation
from conversations.models.generation.generation import Status
from conversations.site_time import now

from . import answer_queue
from .answer_queue import Entry
from .redis_clients import sync_client

logger = logging.getLogger(__name__)

HINT = "streaming.tasks.generate"
LEAVE = "streaming.tasks.delete_accounts"
QUEUE = "generations"
HINTS = f"{settings.CELERY_BROKER_TRANSPORT_OPTIONS['global_keyprefix']}{QUEUE}"  # the broker's list of them
CHUNK = 2000  # rows that a sweep has in memory at a time


def dispatch(generation: Generation, *, is_resuming: bool = False) -> bool:
    """False if Redis is away: the message is in the database, and is swept up later."""
    entry = Entry(generation.message.conversation.owner_id, generation.pk, generation.accepted_at, is_resuming)
    try:
        answer_queue.put(sync_client(), [entry], now(), HINTS)
    except (RedisError, OSError) as error:
        logger.warning("generation %s is left to the sweeper: %s", generation.pk, error)
        return False
    return wake_worker()


def wake_worker(task: str = HINT) -> bool:
    """Some worker with room looks into the queue. False if the broker is away: the next sweep has one sent."""
    try:
        current_app.send_task(task)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("queued generations are left to the sweeper: %s", error)
        return False
    return True


def sweep(redis: Redis) -> int:
    """Put every unfinished answer that nobody runs into the queue, and say so; how many hints that took.

    One round trip, whatever waits. Raises RedisError, OSError.
    """
    ready, waiting_hints = answer_queue.put(redis, unfinished(), now(), HINTS)
    if waiting_hints:  # workers have not come to these yet
        return 0
    return sum(wake_worker() for _ in range(ready))


def unfinished() -> Iterator[Entry]:
    rows = (
        Generation.objects.unfinished()
        .order_by("accepted_at")
        .values_list("message__conversation__owner_id", "pk", "accepted_at", "status")
    )
    for owner_id, pk, accepted_at, status in rows.iterator(CHUNK):
        yield Entry(owner_id, pk, accepted_at, status == Status.RUNNING)
