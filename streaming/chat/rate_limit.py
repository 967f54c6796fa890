"""How many commands a socket may send in a short time: far above what a person clicks."""

from __future__ import annotations

import time
from collections import deque

from django.conf import settings

WINDOW_S = 10.0


class RateLimit:
    def __init__(self) -> None:
        self._taken: deque[float] = deque()

    def is_exceeded(self) -> bool:
        """With this command, which counts."""
        now = time.monotonic()
        self._taken.append(now)
        while self._taken[0] < now - WINDOW_S:
            self._taken.popleft()
        return len(self._taken) > settings.COMMANDS_PER_10_S
