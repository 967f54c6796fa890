"""What all sockets of pages have in common: who may open one, how much a page may send, and how much it is sent."""

# mypy: allow-untyped-calls

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Any
from urllib.parse import urlsplit

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from redis.exceptions import RedisError

from streaming.protocol import CLOSE_NOT_SIGNED_IN

logger = logging.getLogger(__name__)

RATE_WINDOW_S = 10.0
LATE_S = 5.0  # pages acknowledge after a quarter of a second; hidden ones, after one or two


class PageSocket(AsyncWebsocketConsumer):
    """Opens for our own pages, and for users for whom ``is_allowed``; then calls ``begin``.

    Channels calls one handler at a time, so none of them waits for long.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.user: Any = None
        self.window = Window()
        self.rate = RateLimit()

    async def connect(self) -> None:
        if not is_same_origin(self.scope):
            await self.close()  # refused before it opens: a strange page learns nothing
            return
        await self.accept()
        self.user = self.scope["user"]
        if await self.is_allowed():
            await self.begin()
        else:
            await self.close(CLOSE_NOT_SIGNED_IN)

    async def is_allowed(self) -> bool:
        raise NotImplementedError

    async def begin(self) -> None:
        raise NotImplementedError

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Passes over messages that it has no method for: a process of another version sent them.

        Channels' own dispatch looks after database connections that ours has none of, in a thread, for each message. A
        task that is cancelled meanwhile goes on as if nothing had been (asgiref's ``SyncToAsync``): the socket's, for
        ever.
        """
        if handler := getattr(self, get_handler_name(message), None):
            await handler(message)
        else:
            logger.debug("unknown broadcast %s", message["type"])

    async def join(self, group: str) -> None:
        """Without Redis the page still works, and hears nothing of other tabs until it is back."""
        self.groups = [*(self.groups or []), group]  # Channels leaves them at the end
        try:
            await self.channel_layer.group_add(group, self.channel_name)
        except (RedisError, OSError) as error:
            logger.warning("joining group %s failed: %s", group, error)


def is_same_origin(scope: dict[str, Any]) -> bool:
    """Scheme, host and port of the Origin header must be the site's.

    Browsers always send an origin with a socket; a client that sends none is refused too.
    """
    headers = {name: value.decode("latin1") for name, value in scope["headers"]}
    origin = urlsplit(headers.get(b"origin", ""))
    host = headers.get(b"host", "")
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    if f"{origin.scheme}://{origin.netloc}" in settings.CSRF_TRUSTED_ORIGINS:
        return True
    return bool(origin.netloc == host) and origin.scheme == ("https" if settings.HTTPS else "http")


class RateLimit:
    """How many commands a socket may send in a short time: far above what a person clicks."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque()

    def is_exceeded(self) -> bool:
        """With this command, which counts."""
        now = time.monotonic()
        self._taken.append(now)
        while self._taken[0] < now - RATE_WINDOW_S:
            self._taken.popleft()
        return len(self._taken) > settings.COMMANDS_PER_10_S


class Window:
    """How much a socket was sent that its page has not acknowledged: daphne itself would buffer without a bound."""

    def __init__(self) -> None:
        self._unread: deque[int] = deque()  # sizes of the frames that are not acknowledged, oldest first
        self._bytes = 0
        self._acknowledged = 0  # frames
        self._waiting_since: float | None = None

    @property
    def is_full(self) -> bool:
        return self._bytes > settings.VIEWER_WINDOW_BYTES

    @property
    def is_waiting(self) -> bool:
        """The page is slow to read: the window is full, or nothing was acknowledged for a while."""
        return self.is_full or self._silent_s > LATE_S

    @property
    def is_overdue(self) -> bool:
        """Nothing was acknowledged for longer than a living page takes."""
        return self._silent_s > settings.VIEWER_ACK_DEADLINE_S

    @property
    def _silent_s(self) -> float:
        """Since the page owes an acknowledgement; 0 if it owes none."""
        return 0.0 if self._waiting_since is None else time.monotonic() - self._waiting_since

    def sent(self, size: int) -> None:
        self._unread.append(size)
        self._bytes += size
        if self._waiting_since is None:
            self._waiting_since = time.monotonic()

    def is_new(self, frames: int) -> bool:
        """The page has not acknowledged so many before, and there are so many."""
        return 0 < frames - self._acknowledged <= len(self._unread)

    def acknowledged(self, frames: int) -> None:
        """``frames`` is the number that the page has had since the socket opened; nonsense changes nothing."""
        if self.is_new(frames):
            for _ in range(frames - self._acknowledged):
                self._bytes -= self._unread.popleft()
            self._acknowledged = frames
            self._waiting_since = time.monotonic() if self._unread else None
