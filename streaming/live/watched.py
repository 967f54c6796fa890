"""An answer with those that watch it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from streaming.log.stream_log import key_of

from .answer import LiveAnswer


class Watcher(Protocol):
    """One that watches an answer: a page, or a program."""

    answer: LiveAnswer

    @property
    def wants_html(self) -> bool: ...


W = TypeVar("W", bound=Watcher)
Wake = Callable[[Any], None]  # is called with the watcher that it was given with


class Watched:
    """An answer and those that watch it."""

    def __init__(self, answer: LiveAnswer):
        self.answer = answer
        self.key = key_of(answer.generation_id)  # of its log
        self.watchers: dict[Watcher, Wake] = {}
        self.heard_at = time.monotonic()
        self.left_at: float | None = time.monotonic()  # when the last one went; None: somebody watches
        self.is_old = False  # it had ended before anybody watched it here

    @property
    def is_open(self) -> bool:
        """It is being written, and watched."""
        return bool(self.watchers) and self.answer.ended is None

    @property
    def wants_html(self) -> bool:
        return any(watcher.wants_html for watcher in self.watchers)

    def wake(self) -> None:
        """Each of those that watch: there may be something that it lacks."""
        for watcher, wake in self.watchers.items():
            wake(watcher)
