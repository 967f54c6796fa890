"""Tells whoever watches this process that its event loop turns, in systemd's own words (sd_notify).

`make run`'s manager listens, systemd with WatchdogSec does, and deploy/watch.py under any other manager. Whoever hears
nothing for too long sends SIGABRT, on which Python says where its threads stand, even if none of them can run; then it
kills. A process that was started in place of such a one tells operators so.
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
KEY = "throughline:replaced"  # sorted set: what was replaced, by when
TOLD_FOR = timedelta(days=1)


class Watchdog:
    def __init__(self, address: str = settings.NOTIFY_SOCKET):
        """Without an address nobody watches, and nothing is told."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._told_at = 0.0
        self._socket: socket.socket | None = None
        if address:
            faulthandler.enable(2)  # standard error, which Celery has put something else in the place of
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    def beat(self) -> None:
        """From the event loop, as often as it likes."""
        now = time.monotonic()
        if self._socket is None or now - self._told_at < BEAT_S:
            return
        self._told_at = now
        self._notify("READY=1\nWATCHDOG=1")

    def close(self) -> None:
        """The event loop ends, and nobody is to take that for a standstill."""
        if self._socket is not None:
            self._notify("STOPPING=1")
            self._socket.close()

    def _notify(self, words: str) -> None:
        assert self._socket is not None
        try:
            self._socket.sendto(f"{words}\nX_PID={os.getpid()}".encode(), self._address)
        except OSError as error:  # whoever watches has gone, or has not listened for a while
            logger.debug("nobody hears that this process lives: %s", error)


class Replaced(msgspec.Struct, frozen=True):
    """A process whose event loop stood still."""

    name: str  # such as web
    pid: int
    at: datetime
    still_s: float  # for how long, when it was killed


def report_replaced(pipeline: Any) -> None:
    """By the process that took its place. Told again, it is told once."""
    if settings.REPLACED_PROCESS:
        replaced = msgspec.json.decode(settings.REPLACED_PROCESS, type=Replaced)
        pipeline.zadd(KEY, {settings.REPLACED_PROCESS: replaced.at.timestamp()})
        pipeline.zremrangebyscore(KEY, "-inf", (site_time.now() - TOLD_FOR).timestamp())
        pipeline.expire(KEY, TOLD_FOR)


def replaced_since(redis: Redis, moment: datetime) -> list[Replaced]:
    """The latest first. One command."""
    found: Any = redis.zrevrangebyscore(KEY, "+inf", moment.timestamp())
    return exchanged.read(found, Replaced)
