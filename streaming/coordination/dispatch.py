"""Dispatches answers to the workers: puts them into the queue and sends a wake-up.

A wake-up is a Celery task that names no answer: whichever worker has room takes the next one. After a lost wake-up the
answer waits for the next sweep; a superfluous one finds nothing to take.
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

WAKE_UP = "streaming.tasks.generate"
LEAVE = "streaming.tasks.delete_accounts"
QUEUE = "generations"
WAKE_UPS = f"{settings.CELERY_BROKER_TRANSPORT_OPTIONS['global_keyprefix']}{QUEUE}"  # the broker's list of wake-ups
CHUNK = 2000  # rows that a sweep holds in memory at a time


def dispatch(generation: Generation, *, is_resuming: bool = False) -> bool:
    """False if Redis is unavailable: the generation is in the database, and the sweeper dispatches it later."""
    entry = Entry(generation.message.conversation.owner_id, generation.pk, generation.accepted_at, is_resuming)
    try:
        answer_queue.put(sync_client(), [entry], now(), WAKE_UPS)
    except (RedisError, OSError) as error:
        logger.warning("generation %s is left to the sweeper: %s", generation.pk, error)
        return False
    return wake_worker()


def wake_worker(task: str = WAKE_UP) -> bool:
    """Have a worker with room take from the queue. False if the broker is unavailable: the next sweep tries again."""
    try:
        current_app.send_task(task)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("queued generations are left to the sweeper: %s", error)
        return False
    return True


def sweep(redis: Redis) -> int:
    """Queue every unfinished answer that nobody runs, and wake workers; return how many wake-ups were sent.

    One round trip to the queue, however many wait. Raises RedisError, OSError.
    """
    ready, unreceived = answer_queue.put(redis, unfinished(), now(), WAKE_UPS)
    if unreceived:  # workers have enough wake-ups waiting for them
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
