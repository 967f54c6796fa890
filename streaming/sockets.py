"""All open chat sockets of a web process, and their care: ended sessions, pages that read nothing, its end."""

from __future__ import annotations

import asyncio
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextvars import Context
from typing import TYPE_CHECKING, Protocol

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.utils import timezone
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streaming import counters, presence, warmth
from streaming.database import in_database
from streaming.protocol import CLOSE_GOING_AWAY, CLOSE_NOT_SIGNED_IN, CLOSE_TOO_SLOW
from streaming.redis_clients import command_client

if TYPE_CHECKING:
    from streaming.consumers import ChatConsumer

logger = logging.getLogger(__name__)

CARE_INTERVAL_S = 2.0  # a session that ended closes its sockets within this time
DRAIN_S = 1.0  # over which a process that ends sends its pages away, so that they don't come back all at once

SessionState = tuple[set[str], dict[int, str]]  # living session keys; password hashes of active users


class Sockets:
    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()  # commands, by the refusal's code; those that Redis was not told of yet
        self._open: set[ChatConsumer] = set()
        self._redis: Redis = command_client()
        self._wanted_at = -float(settings.WARM_AFTER_IDLE_S)  # monotonic; when warm models were wanted
        self._care = asyncio.create_task(self._take_care(), name="sockets")
        self._presence = asyncio.create_task(self._tell_presence(), name="presence")
        drain_before_shutdown(self)

    def __len__(self) -> int:
        return len(self._open)

    def add(self, socket: ChatConsumer) -> None:
        self._open.add(socket)
        counters.add(counters.SOCKETS_OPENED)
        self._want_warmth()

    def discard(self, socket: ChatConsumer) -> None:
        self._open.discard(socket)

    async def drain(self) -> None:
        """Send every page away with a code on which it comes back, to whichever process then answers."""
        going = list(self._open)
        for socket in going:
            await socket.close(CLOSE_GOING_AWAY)
            await asyncio.sleep(DRAIN_S / len(going) * random.random())

    def _want_warmth(self) -> None:
        """Costs the page nothing: nobody waits for it."""
        now = time.monotonic()
        if settings.WARM_MODELS and now - self._wanted_at >= settings.WARM_AFTER_IDLE_S:
            self._wanted_at = now
            self._wanting = asyncio.create_task(warmth.want(self._redis), name="warmth")

    async def _take_care(self) -> None:
        while True:
            await asyncio.sleep(CARE_INTERVAL_S)
            for socket in [socket for socket in self._open if socket.window.is_overdue]:
                logger.warning("user %s: page reads nothing, closing its socket", socket.user.pk)
                await self._close(socket, CLOSE_TOO_SLOW)
            try:
                await self._close_signed_out()
            except DatabaseError as error:
                logger.warning("sessions were not looked at: %s", error)

    async def _tell_presence(self) -> None:
        while True:
            refused, self.refused = self.refused, Counter()
            try:
                await presence.tell_web(self._redis, presence.this_process(), len(self), refused)
                refused = Counter()
                await counters.tell(self._redis)
            except (RedisError, OSError) as error:
                self.refused.update(refused)
                logger.warning("what this process counts was not told: %s", error)
            await asyncio.sleep(CARE_INTERVAL_S)

    async def _close_signed_out(self) -> None:
        looked_at = list(self._open)  # others may open meanwhile
        if not looked_at:
            return
        keys = {socket.scope["session"].session_key for socket in looked_at}
        living, passwords = await in_database(session_state, keys, {socket.user.pk for socket in looked_at})
        for socket in looked_at:
            key, user = socket.scope["session"].session_key, socket.user
            if key not in living or passwords.get(user.pk) != user.password:
                await self._close(socket, CLOSE_NOT_SIGNED_IN)

    async def _close(self, socket: ChatConsumer, code: int) -> None:
        self.discard(socket)
        await socket.close(code)


def session_state(keys: Iterable[str], user_ids: Iterable[int]) -> SessionState:
    """Two queries, whatever the number of sockets."""
    living = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    active = get_user_model().objects.filter(pk__in=user_ids, is_active=True)
    return set(living.values_list("session_key", flat=True)), dict(active.values_list("pk", "password"))


class Drainable(Protocol):
    async def drain(self) -> None: ...


def drain_before_shutdown(connections: Drainable) -> None:
    """Under daphne, SIGTERM stops Twisted's reactor without a word to anyone: have it wait for the drain."""
    reactor = sys.modules.get("twisted.internet.reactor")
    if reactor is None:
        return
    from twisted.internet.defer import Deferred  # only where Twisted runs anyway

    reactor.addSystemEventTrigger(  # type: ignore[attr-defined]
        "before", "shutdown", lambda: Deferred.fromFuture(asyncio.ensure_future(connections.drain()))
    )


_sockets: Sockets | None = None


def sockets() -> Sockets:
    """This process's sockets; made by the first, in its loop."""
    global _sockets
    if _sockets is None:
        _sockets = Context().run(Sockets)  # its tasks are about no page's request
    return _sockets
