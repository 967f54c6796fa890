"""Notifies the process manager, by systemd's protocol (sd_notify), that the event loop of this process runs.

The listener is `make run`'s manager, systemd with WatchdogSec, or deploy/watch.py under any other manager. After too
long a silence it sends SIGABRT, on which Python prints the stacks of all threads, even if none can run; then it kills
the process. The process started in its place reports the replacement to operators.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import socket
import time
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.conf import settings
from redis import Redis

from conversations import site_time
from streaming.coordination import exchanged

logger = logging.getLogger(__name__)

BEAT_S = 1.0
KEY = "throughline:replaced"  # sorted set: Replaced, by time
REPORTED_FOR = timedelta(days=1)


class Watchdog:
    def __init__(self, address: str = settings.NOTIFY_SOCKET):
        """An empty address: nobody listens, and nothing is sent."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._sent_at = 0.0
        self._socket: socket.socket | None = None
        if address:
            # 2 is standard error, since Celery replaces sys.stderr.
            faulthandler.enable(2)
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    def beat(self) -> None:
        """Called from the event loop; sends at most once every BEAT_S."""
        now = time.monotonic()
        if self._socket is None or now - self._sent_at < BEAT_S:
            return
        self._sent_at = now
        self._notify("READY=1\nWATCHDOG=1")

    def close(self) -> None:
        """Announces the end of the event loop, so that it is not taken for a blocked one."""
        if self._socket is not None:
            self._notify("STOPPING=1")
            self._socket.close()

    def _notify(self, words: str) -> None:
        assert self._socket is not None
        try:
            self._socket.sendto(f"{words}\nX_PID={os.getpid()}".encode(), self._address)
        except OSError as error:
            # The listener is gone, or has not read for a while.
            logger.debug("nobody hears that this process lives: %s", error)


class Replaced(msgspec.Struct, frozen=True):
    """A process that was replaced because its event loop was blocked."""

    name: str  # such as web
    pid: int
    at: datetime
    still_s: float  # how long the loop had been blocked when the process was killed


def report_replaced(pipeline: Any) -> None:
    """Called by the process that took its place. Idempotent."""
    if settings.REPLACED_PROCESS:
        replaced = msgspec.json.decode(settings.REPLACED_PROCESS, type=Replaced)
        pipeline.zadd(KEY, {settings.REPLACED_PROCESS: replaced.at.timestamp()})
        pipeline.zremrangebyscore(KEY, "-inf", (site_time.now() - REPORTED_FOR).timestamp())
        pipeline.expire(KEY, REPORTED_FOR)


def replaced_since(redis: Redis, moment: datetime) -> list[Replaced]:
    """The latest first. One command."""
    found: Any = redis.zrevrangebyscore(KEY, "+inf", moment.timestamp())
    return exchanged.read(found, Replaced)
