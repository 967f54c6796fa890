"""Renders open answers within a share of the process's time, not by a timer for each.

Finished blocks are rendered once, so they may take half of the time until they are done; the open tail is rendered
again and again, so it gets RENDER_SHARE, at most ten times a second per answer. The more answers, the rarer each tail.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

from .answer import LiveAnswer
from .part import LivePart

TAIL_INTERVAL_S = 0.1
FINISHED_SHARE = 0.5
LONG_BLOCK = 4_000  # characters of an open block; from here on it is rendered in a thread

_thread = ThreadPoolExecutor(1, thread_name_prefix="renderer")


class Renderer:
    """``run`` is its only task, owned by the hub."""

    def __init__(self, wake: Callable[[LiveAnswer], None]):
        self._wake = wake
        self._dirty: dict[LiveAnswer, None] = {}  # in the order in which they came
        self._work = asyncio.Event()

    def want(self, answer: LiveAnswer) -> None:
        """Something is new in this answer, and somebody watches it."""
        self._dirty[answer] = None
        self._work.set()

    def forget(self, answer: LiveAnswer) -> None:
        self._dirty.pop(answer, None)

    async def run(self) -> None:
        while True:
            await self._work.wait()
            answer = self._next()
            if answer is None:
                self._work.clear()
                if self._dirty:  # all of them had their tail rendered a moment ago
                    await asyncio.sleep(TAIL_INTERVAL_S / 4)
                    self._work.set()
                continue
            share = FINISHED_SHARE
            begun = time.perf_counter()
            for part in list(answer.parts.values()):  # it may get another one meanwhile
                if part.has_unread and not await self._render_slice(part):
                    share = settings.RENDER_SHARE
                    answer.tail_due = time.monotonic() + TAIL_INTERVAL_S
            took = time.perf_counter() - begun
            if not any(part.has_unread for part in answer.parts.values()):
                self._dirty.pop(answer, None)
            self._wake(answer)
            await asyncio.sleep(took * (1 / share - 1))

    def _next(self) -> LiveAnswer | None:
        now = time.monotonic()
        for answer in self._dirty:
            if answer.tail_due <= now:
                self._dirty[answer] = self._dirty.pop(answer)  # to the end of the line
                return answer
        return None

    async def _render_slice(self, part: LivePart) -> bool:
        """True if only finished blocks were rendered and more is waiting; else the tail is rendered too."""
        part.render_finished()
        if part.has_unread:
            return True
        if part.open_length > LONG_BLOCK:
            html = await asyncio.get_running_loop().run_in_executor(_thread, part.open_html)
        else:
            html = part.open_html()
        if html is not None:
            part.set_tail(html)
        return False
