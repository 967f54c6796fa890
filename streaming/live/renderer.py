"""Renders open answers within a share of the process's time, not by a timer for each.

Finished blocks are rendered once, so they may take half of the time (FINISHED_SHARE). Tails are rendered repeatedly,
so they get RENDER_SHARE, at most ten times a second per answer: the more answers, the less often each tail.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from django.conf import settings

from .answer import LiveAnswer, LivePart

TAIL_INTERVAL_S = 0.1
FINISHED_SHARE = 0.5
LONG = 2_000  # characters; longer sources are rendered in a thread
TAIL_LIMIT = 20_000  # characters; a longer tail stays plain text until its block is finished

R = TypeVar("R")

_thread = ThreadPoolExecutor(1, thread_name_prefix="renderer")


class Renderer:
    """The hub owns its only task, ``run``."""

    def __init__(self) -> None:
        self._dirty: dict[LiveAnswer, None] = {}  # in order of arrival
        self._work = asyncio.Event()
        self._took = 0.0  # processor seconds since the last pause

    def add(self, answer: LiveAnswer) -> None:
        """Schedule an answer that has new text and a watcher that needs HTML."""
        self._dirty[answer] = None
        self._work.set()

    def discard(self, answer: LiveAnswer) -> None:
        self._dirty.pop(answer, None)

    async def run(self) -> None:
        while True:
            await self._work.wait()
            answer = self._next()
            if answer is None:
                self._work.clear()
                if self._dirty:  # all their tails were rendered a moment ago
                    await asyncio.sleep(TAIL_INTERVAL_S / 4)
                    self._work.set()
                continue
            share = FINISHED_SHARE
            self._took = 0.0
            for part in list(answer.parts.values()):  # a copy: parts may be added meanwhile
                if part.has_unread and not await self._render_slice(part):
                    share = settings.RENDER_SHARE
                    answer.tail_due = time.monotonic() + TAIL_INTERVAL_S
            if not any(part.has_unread for part in answer.parts.values()):
                self._dirty.pop(answer, None)
            answer.wake()
            await asyncio.sleep(self._took * (1 / share - 1))

    def _next(self) -> LiveAnswer | None:
        now = time.monotonic()
        for answer in self._dirty:
            if answer.tail_due <= now:
                self._dirty[answer] = self._dirty.pop(answer)  # move to the end
                return answer
        return None

    async def _render_slice(self, part: LivePart) -> bool:
        """True if more text is unread; otherwise the tail was rendered too."""
        sources = await self._do(part.read_on)
        part.add_blocks(await self._do(partial(part.render_finished, sources), apart=is_long(sources)))
        if part.has_unread:
            return True
        tail = part.tail
        if len(tail) <= TAIL_LIMIT:
            part.set_tail(await self._do(partial(part.render_tail, tail), apart=is_long([tail])))
        return False

    async def _do(self, work: Callable[[], R], *, apart: bool = False) -> R:
        """Run ``work``; ``apart``, in the thread: it may take long, or wait for the highlighting process.

        That wait is not counted as time taken.
        """
        loop = asyncio.get_running_loop()
        done, took = await loop.run_in_executor(_thread, timed, work) if apart else timed(work)
        self._took += took
        return done


def timed(work: Callable[[], R]) -> tuple[R, float]:
    """The result, and the processor time in seconds."""
    begun = time.thread_time()
    return work(), time.thread_time() - begun


def is_long(sources: list[str]) -> bool:
    return sum(map(len, sources)) > LONG or any("```" in source or "~~~" in source for source in sources)
