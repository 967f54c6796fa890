"""Base of all page sockets: who may open one, how much a page may send, and how much it is sent unacknowledged."""

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
LATE_S = 5.0  # pages acknowledge after 0.25 s; hidden ones after 1 or 2 s


class PageSocket(AsyncWebsocketConsumer):
    """Accepts our own pages, of users for whom ``is_allowed`` is true; then calls ``begin``.

    Channels calls one handler at a time, so none may wait for long.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.user: Any = None
        self.window = Window()
        self.rate = RateLimit()

    async def connect(self) -> None:
        if not is_same_origin(self.scope):
            await self.close()  # before accepting, so that a foreign page learns nothing
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
        """Ignores messages without a handler: a process of another version sent them.

        Channels' own dispatch checks, in a thread and for each message, database connections that we don't use. A task
        cancelled during that goes on as if it had not been (asgiref's ``SyncToAsync``), and the socket's task would
        never end.
        """
        if handler := getattr(self, get_handler_name(message), None):
            await handler(message)
        else:
            logger.debug("unknown broadcast %s", message["type"])

    async def join(self, group: str) -> None:
        """Without Redis the page still works, but hears nothing from other tabs until Redis is back."""
        self.groups = [*(self.groups or []), group]  # Channels leaves these groups on disconnect
        try:
            await self.channel_layer.group_add(group, self.channel_name)
        except (RedisError, OSError) as error:
            logger.warning("joining group %s failed: %s", group, error)


def is_same_origin(scope: dict[str, Any]) -> bool:
    """Whether scheme, host and port of the Origin header are the site's.

    Browsers always send an Origin with a WebSocket; a client without one is refused.
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
    """Limits the commands of a socket to COMMANDS_PER_10_S, far above what a person clicks."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque()

    def is_exceeded(self) -> bool:
        """Counts this command, too."""
        now = time.monotonic()
        self._taken.append(now)
        while self._taken[0] < now - RATE_WINDOW_S:
            self._taken.popleft()
        return len(self._taken) > settings.COMMANDS_PER_10_S


class Window:
    """The frames of a socket that its page has not acknowledged. Daphne itself would buffer without a bound."""

    def __init__(self) -> None:
        self._unread: deque[int] = deque()  # sizes of unacknowledged frames, oldest first
        self._bytes = 0
        self._acknowledged = 0  # frames
        self._waiting_since: float | None = None

    @property
    def is_full(self) -> bool:
        return self._bytes > settings.VIEWER_WINDOW_BYTES

    @property
    def is_waiting(self) -> bool:
        """The page is slow to read: the window is full, or an acknowledgement is due for over LATE_S."""
        return self.is_full or self._silent_s > LATE_S

    @property
    def is_overdue(self) -> bool:
        """An acknowledgement is due for longer than a living page takes."""
        return self._silent_s > settings.VIEWER_ACK_DEADLINE_S

    @property
    def _silent_s(self) -> float:
        """Seconds since an acknowledgement is due; 0 if none is."""
        return 0.0 if self._waiting_since is None else time.monotonic() - self._waiting_since

    def sent(self, size: int) -> None:
        self._unread.append(size)
        self._bytes += size
        if self._waiting_since is None:
            self._waiting_since = time.monotonic()

    def is_new(self, frames: int) -> bool:
        """Whether this acknowledges more frames than before, and no more than were sent."""
        return 0 < frames - self._acknowledged <= len(self._unread)

    def acknowledged(self, frames: int) -> None:
        """``frames``: how many the page has received since the socket opened. Impossible numbers are ignored."""
        if self.is_new(frames):
            for _ in range(frames - self._acknowledged):
                self._bytes -= self._unread.popleft()
            self._acknowledged = frames
            self._waiting_since = time.monotonic() if self._unread else None
