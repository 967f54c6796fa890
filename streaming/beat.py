"""That beat lives is told by its own doing: by each sweep that it has sent, in the process and the loop that send it.

How late its sweeps are sent stands where other processes tell of their event loops.
"""

from __future__ import annotations

import atexit
import logging
import time

from celery.signals import after_task_publish, beat_init
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from streaming import presence
from streaming.vitals import Pulse

logger = logging.getLogger(__name__)

SENT = "streaming.tasks.sweep"
TIMEOUT_S = 1.0


class Beat:
    """This process, which is beat."""

    def __init__(self) -> None:
        self._redis = Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
        self._pulse = Pulse()
        self._sent_at: float | None = None

    def has_sent(self, **_: object) -> None:
        """Never raises: beat has to go on."""
        now = time.monotonic()
        if self._sent_at is not None:
            self._pulse.woke(now - self._sent_at - settings.SWEEP_INTERVAL_S)
        self._sent_at = now
        self.tell()

    def tell(self, *, ended: bool = False) -> None:
        try:
            presence.tell_beat(self._redis, self._pulse.take(), ended=ended)
        except (RedisError, OSError) as error:
            logger.warning("that beat lives was not told: %s", error)


@beat_init.connect
def tell_of_sweeps(**_: object) -> None:
    beat = Beat()
    after_task_publish.connect(beat.has_sent, sender=SENT, weak=False)
    atexit.register(beat.tell, ended=True)
