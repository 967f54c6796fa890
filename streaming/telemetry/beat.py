"""Beat's heartbeat: published after each sweep that beat sends, from the loop that sends it.

The lag of its sweeps is published where other processes publish the lag of their event loops.
"""

from __future__ import annotations

import atexit
import logging
import signal
import time
from functools import cache
from typing import Any

from celery.beat import PersistentScheduler, SchedulingError, Service
from celery.signals import after_task_publish, beat_init
from django.conf import settings
from redis.exceptions import RedisError

from streaming.coordination import redis_clock
from streaming.coordination.redis_clients import open_sync_client

from . import heartbeats
from .process_stats import EventLoopMonitor

logger = logging.getLogger(__name__)

SENT = "streaming.tasks.sweep"
TIMEOUT_S = 1.0
TASKS = f"{settings.CELERY_BROKER_TRANSPORT_OPTIONS['global_keyprefix']}{settings.CELERY_TASK_DEFAULT_QUEUE}"
MOST_WAITING = 50  # tasks not yet taken by a worker


class Scheduler(PersistentScheduler):
    """Sends nothing while earlier tasks pile up. Tasks have no expiry, since that would compare the clocks of two
    machines."""

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        if not beat().tasks_pile_up():
            try:
                self.apply_async(entry, producer=producer, advance=False)
            except SchedulingError as error:
                # Celery itself would log three stack traces.
                logger.warning("%s was not sent: %s", entry.task, error)
        elif entry.task == SENT:
            # Beat is alive: only the full queue kept it from sending.
            beat().has_sent()


class Beat:
    """The heartbeat of this process, beat."""

    def __init__(self) -> None:
        self._redis = open_sync_client(TIMEOUT_S)
        self._pulse = EventLoopMonitor()
        self._sent_at: float | None = None

    def has_sent(self, **_: object) -> None:
        """Never raises: beat must keep running."""
        now = time.monotonic()
        if self._sent_at is not None:
            self._pulse.woke(now - self._sent_at - settings.SWEEP_INTERVAL_S)
        self._sent_at = now
        self.publish()

    def tasks_pile_up(self) -> bool:
        try:
            waiting: Any = self._redis.llen(TASKS)
        except (RedisError, OSError):
            # Sending will fail, and be logged.
            return False
        return bool(waiting >= MOST_WAITING)

    def publish(self, *, ended: bool = False) -> None:
        try:
            redis_clock.compare_now(self._redis)
            heartbeats.publish_beat(self._redis, self._pulse.take(), ended=ended)
        except (RedisError, OSError) as error:
            logger.warning("beat's heartbeat was not published: %s", error)


@cache
def beat() -> Beat:
    return Beat()


@beat_init.connect
def report_sweeps(sender: Service, **_: object) -> None:
    # Not ``stop``, which would also log.
    ending = sender._is_shutdown  # type: ignore[attr-defined]
    # Celery's handlers would write the schedule file in the middle of other work.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    after_task_publish.connect(beat().has_sent, sender=SENT, weak=False)
    atexit.register(beat().publish, ended=True)
