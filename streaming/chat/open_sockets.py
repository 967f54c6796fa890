"""All open sockets of a web process: closes them at sign-out, when pages stop reading, and at shutdown.

Also publishes the process's heartbeat, and watches alerts when no worker does.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Iterable
from contextvars import Context
from typing import Any, Protocol

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from conversations import site_time
from streaming.coordination import redis_clock
from streaming.coordination.database import in_database
from streaming.coordination.redis_clients import command_client
from streaming.live.hub import watched_here
from streaming.model_servers import warmth
from streaming.operations.alerts import watch
from streaming.protocol import CLOSE_GOING_AWAY, CLOSE_NOT_SIGNED_IN, CLOSE_TOO_SLOW
from streaming.telemetry import counters, heartbeats
from streaming.telemetry.process_stats import EventLoopMonitor

from .page_socket import Window

logger = logging.getLogger(__name__)

STAND_IN_INTERVAL_S = 20.0  # between two evaluations of alerts, if no worker does that
CARE_INTERVAL_S = 2.0  # an ended session closes its sockets within this time
DRAIN_S = 1.0  # closing is spread over this time, so that pages don't all come back at once

SessionState = tuple[set[str], dict[int, str]]  # living session keys; password hashes of active users


class Socket(Protocol):
    """The socket of a signed-in user's page."""

    user: Any
    scope: dict[str, Any]
    window: Window

    async def close(self, code: int) -> None: ...


class Sockets:
    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()  # commands by refusal code, not yet published
        self._open: set[Socket] = set()
        self._opened = 0  # since the last heartbeat
        self._heartbeat_at = time.monotonic()
        self._monitor = EventLoopMonitor()
        self._redis: Redis = command_client()
        self._warmth_requested_at = -float(settings.WARM_AFTER_IDLE_S)  # monotonic
        self._care = asyncio.create_task(self._take_care(), name="sockets")
        self._watch = asyncio.create_task(self._monitor.watch_loop(), name="pulse")
        self._presence = asyncio.create_task(self._publish_heartbeats(), name="presence")
        self._watching = asyncio.create_task(self._watch_alerts(), name="alerts")
        drain_before_shutdown(self)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def waiting(self) -> int:
        """The number of sockets that wait for their pages to read."""
        return sum(socket.window.is_waiting for socket in self._open)

    def add(self, socket: Socket) -> None:
        self._open.add(socket)
        self._opened += 1
        counters.add(counters.SOCKETS_OPENED)
        self._request_warmth()

    def discard(self, socket: Socket) -> None:
        self._open.discard(socket)

    async def drain(self) -> None:
        """Close every socket with a code on which the page reconnects, to whichever process then answers."""
        self._presence.cancel()
        going = list(self._open)
        for socket in going:
            await socket.close(CLOSE_GOING_AWAY)
            await asyncio.sleep(DRAIN_S / len(going) * random.random())
        await run_round("the last heartbeat was not published", self._publish_heartbeat(ended=True))

    def _request_warmth(self) -> None:
        """In a task of its own, so that the page does not wait."""
        now = time.monotonic()
        if settings.WARM_MODELS and now - self._warmth_requested_at >= settings.WARM_AFTER_IDLE_S:
            self._warmth_requested_at = now
            self._warmth = asyncio.create_task(warmth.want(self._redis), name="warmth")

    async def _take_care(self) -> None:
        while True:
            await asyncio.sleep(CARE_INTERVAL_S)
            await run_round("slow pages were not closed", self._close_overdue())
            await run_round("sessions were not checked", self._close_signed_out())

    async def _publish_heartbeats(self) -> None:
        while True:
            await run_round("the heartbeat was not published", self._publish_heartbeat())
            await asyncio.sleep(CARE_INTERVAL_S)

    async def _publish_heartbeat(self, *, ended: bool = False) -> None:
        refused, self.refused = self.refused, Counter()
        opened, self._opened = self._opened, 0
        heartbeat_at, self._heartbeat_at = self._heartbeat_at, time.monotonic()
        more = {
            "opened_per_s": opened / max(self._heartbeat_at - heartbeat_at, 0.001),
            "waiting": self.waiting,
            "watched": watched_here(),
            "stats": self._monitor.take(),
            "ended": ended,
        }
        try:
            await redis_clock.compare(self._redis)
            await heartbeats.publish_web(self._redis, heartbeats.this_process(), len(self), refused, **more)
            refused = Counter()
            await counters.publish(self._redis)
        finally:
            self.refused.update(refused)  # not published: add them to the next heartbeat

    async def _watch_alerts(self) -> None:
        """Nobody else could report that no worker is alive."""
        while True:
            await asyncio.sleep(STAND_IN_INTERVAL_S)
            await run_round("alerts were not evaluated", asyncio.to_thread(watch.stand_in_apart))

    async def _close_overdue(self) -> None:
        for socket in [socket for socket in self._open if socket.window.is_overdue]:
            logger.warning("user %s: the page acknowledges nothing; closing its socket", socket.user.pk)
            await self._close(socket, CLOSE_TOO_SLOW)

    async def _close_signed_out(self) -> None:
        looked_at = list(self._open)  # a copy: others may open meanwhile
        if not looked_at:
            return
        keys = {socket.scope["session"].session_key for socket in looked_at}
        living, passwords = await in_database(session_state, keys, {socket.user.pk for socket in looked_at})
        for socket in looked_at:
            key, user = socket.scope["session"].session_key, socket.user
            if key not in living or passwords.get(user.pk) != user.password:
                await self._close(socket, CLOSE_NOT_SIGNED_IN)

    async def _close(self, socket: Socket, code: int) -> None:
        self.discard(socket)
        await socket.close(code)


async def run_round(otherwise: str, work: Awaitable[None]) -> None:
    """One round of an endless task. Logs errors instead of raising them: no round depends on an earlier one.

    Otherwise one row that breaks the alerts would end every web process, again and again.
    """
    try:
        await work
    except (DatabaseError, RedisError, OSError) as error:
        logger.warning("%s: %s", otherwise, error)
    except Exception:  # a bug
        logger.exception("%s", otherwise)


def session_state(keys: Iterable[str], user_ids: Iterable[int]) -> SessionState:
    """Two queries, whatever the number of sockets."""
    living = Session.objects.filter(session_key__in=keys, expire_date__gt=site_time.now())
    active = get_user_model().objects.filter(pk__in=user_ids, is_active=True)
    return set(living.values_list("session_key", flat=True)), dict(active.values_list("pk", "password"))


class Drainable(Protocol):
    async def drain(self) -> None: ...


def drain_before_shutdown(connections: Drainable) -> None:
    """Under daphne, SIGTERM stops Twisted's reactor without notice; this makes it wait for ``connections.drain``."""
    reactor = sys.modules.get("twisted.internet.reactor")
    if reactor is None:
        return
    from twisted.internet.defer import Deferred  # only where Twisted already runs

    reactor.addSystemEventTrigger(  # type: ignore[attr-defined]
        "before", "shutdown", lambda: Deferred.fromFuture(asyncio.ensure_future(connections.drain()))
    )


_sockets: Sockets | None = None


def begin_with_the_reactor() -> None:
    """Under daphne, publish heartbeats before the first socket opens."""
    if reactor := sys.modules.get("twisted.internet.reactor"):
        reactor.callLater(0, sockets)  # type: ignore[attr-defined]


def sockets() -> Sockets:
    """This process's sockets; the first caller creates them, in its event loop."""
    global _sockets
    if _sockets is None:
        _sockets = Context().run(Sockets)  # an empty context: its tasks belong to no request
    return _sockets
