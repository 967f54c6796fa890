"""Sends one page what it lacks, in a task of its own: whoever is slow to take it holds up nobody else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from .viewer import Viewer

logger = logging.getLogger(__name__)


class Feed:
    """Owned by a page's socket. Its task begins with the first answer that is watched, and ends with ``close``."""

    def __init__(self, send_lacking: Callable[[Viewer], Awaitable[None]]):
        self._send_lacking = send_lacking
        self._news: dict[Viewer, None] = {}  # that may lack something, in the order in which they were told so
        self._has_news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self, viewer: Viewer) -> None:
        """There may be something that it lacks."""
        self._news[viewer] = None
        self._has_news.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="feed of a page")

    async def close(self) -> None:
        """Nothing more is sent afterwards."""
        self._news.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            while self._news:
                viewer = next(iter(self._news))
                del self._news[viewer]
                try:
                    await self._send_lacking(viewer)
                except Exception:  # whatever is wrong with one answer, the page's others go on
                    logger.exception("generation %s cannot be shown to a page", viewer.answer.generation_id)
