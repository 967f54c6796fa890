"""How much a socket was sent that its page has not acknowledged: daphne itself would buffer without a bound."""

from __future__ import annotations

import time
from collections import deque

from django.conf import settings

LATE_S = 5.0  # pages acknowledge after a quarter of a second; hidden ones, after one or two


class Window:
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
    def is_empty(self) -> bool:
        """Everything was acknowledged."""
        return not self._unread

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

    def is_news(self, frames: int) -> bool:
        """The page has not acknowledged so many before, and there are so many."""
        return 0 < frames - self._acknowledged <= len(self._unread)

    def acknowledged(self, frames: int) -> None:
        """``frames`` is the number that the page has had since the socket opened; nonsense changes nothing."""
        if self.is_news(frames):
            for _ in range(frames - self._acknowledged):
                self._bytes -= self._unread.popleft()
            self._acknowledged = frames
            self._waiting_since = time.monotonic() if self._unread else None
