"""The hub of a web process: tails the logs that are watched here, over one connection, and shows what is new."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any
from uuid import UUID

from django.db import Error
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from conversations.models import Generation
from conversations.models.generation.generation import Status
from streaming.coordination.batching import batch_delay
from streaming.coordination.database import in_database
from streaming.coordination.leases import unheld
from streaming.coordination.redis_clients import BLOCK_S, blocking_client, command_client
from streaming.log import stream_log
from streaming.log.records import Ended, HoleInLog
from streaming.protocol import PhaseName

from .answer import LiveAnswer
from .endings import Endings, ended_among
from .lag import LagProbe
from .places import Places
from .renderer import Renderer
from .shows import DeliveryStats
from .watched import W, Watched, Watcher

logger = logging.getLogger(__name__)

SILENCE_S = 2.0  # without a record; then the database is asked whether the answer has ended
LINGER_S = 30.0  # an answer that nobody watches any more is kept, for the page that is being reloaded
RETRY_DELAY_S = 0.5
PAGE = 500  # entries of a log that are read at a time for one that is far behind


class Hub:
    def __init__(self) -> None:
        self._redis: Redis = command_client()
        self._reader: Redis = blocking_client()
        stream_log.read_plainly(self._reader)
        self._reader_id: int | None = None
        self._watched: dict[UUID, Watched] = {}
        self._something = asyncio.Event()
        self._lag = LagProbe()
        self._renderer = Renderer(self._wake)
        self._shows = DeliveryStats(self._redis)
        self._endings = Endings(self._shows)
        places = Places(self._redis, lambda: [watched.answer for watched in self._open_answers], self._wake)
        self._tasks = [
            asyncio.create_task(self._tail(), name="hub"),
            asyncio.create_task(places.run(), name="places"),
            asyncio.create_task(self._renderer.run(), name="renderer"),
            asyncio.create_task(self._look_after(), name="silence"),
            asyncio.create_task(self._shows.run(self._watched.values()), name="shows"),
        ]
        for task in self._tasks:
            task.add_done_callback(die_with)

    def __len__(self) -> int:
        """Answers that are watched, or were a moment ago."""
        return len(self._watched)

    # For those that watch

    async def watch(
        self, generation: Generation, watcher_of: Callable[[LiveAnswer], W], wake: Callable[[W], None]
    ) -> W | None:
        """``wake`` is called whenever there may be something new, first for what is there. It must not take long.

        None if the answer has no log any more: read the database. Raises RedisError, OSError.
        """
        watched = self._watched.get(generation.pk) or await self._begin(generation)
        if watched is None:
            return None
        watcher = watcher_of(watched.answer)
        watched.watchers[watcher] = wake
        watched.answer.show.viewers = max(watched.answer.show.viewers, len(watched.watchers))
        watched.left_at = None
        if watcher.wants_html:
            self._renderer.want(watched.answer)
        wake(watcher)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        watched = self._watched.get(watcher.answer.generation_id)
        if watched is None or watched.answer is not watcher.answer:
            return
        watched.watchers.pop(watcher, None)
        if not watched.watchers:
            watched.left_at = time.monotonic()
        if not watched.wants_html:
            self._renderer.forget(watched.answer)

    async def entries_after(self, answer: LiveAnswer, position: stream_log.Position) -> list[stream_log.Entry]:
        """What follows in the log, at most ``PAGE`` of it; mostly from memory. Raises RedisError, OSError."""
        recent = answer.recent_after(position)
        if recent is not None:
            return recent
        return await stream_log.read(self._redis, answer.generation_id, after=position, count=PAGE)

    async def entries_until(self, generation_id: UUID, position: stream_log.Position) -> list[stream_log.Entry]:
        """The log from its beginning up to and with this entry. Raises RedisError, OSError."""
        return await stream_log.read(self._redis, generation_id, upto=position)

    async def look_at_end(self, generation_ids: list[UUID]) -> None:
        """Ask the database which of these have ended, for logs that do not tell: their process died, or never was.

        This process may have slept, and only be behind: what the log has comes first.
        """
        for pk, status, error_code in await in_database(ended_among, generation_ids):
            watched = self._watched.get(pk)
            if watched is None:
                continue
            try:
                self._take(pk, await stream_log.read(self._redis, pk, after=watched.answer.position))
            except (RedisError, OSError) as error:
                logger.warning("the rest of generation %s cannot be read: %s", pk, error)
            if watched.answer.ended is None and not watched.answer.broken:
                watched.answer.ended = Ended(Status(status), error_code)
                self._end(watched)

    # The log

    async def _begin(self, generation: Generation) -> Watched | None:
        entries = await stream_log.read(self._redis, generation.pk)
        if watched := self._watched.get(generation.pk):  # another page was faster
            return watched
        if not entries and Status(generation.status).is_final:
            return None
        message = generation.message
        watched = Watched(LiveAnswer(generation.pk, message.conversation_id, message.pk))
        try:
            watched.answer.fold(entries)
        except HoleInLog:
            logger.warning("log of generation %s has a gap", generation.pk)
            return None
        self._watched[generation.pk] = watched
        self._something.set()
        await self._wake_reader()
        if watched.answer.ended:
            watched.is_old = True
            self._end(watched)
        return watched

    async def _wake_reader(self) -> None:
        """Have the blocking read begin again, with the new log among its keys."""
        if self._reader_id is not None:
            await self._redis.client_unblock(self._reader_id)

    async def _tail(self) -> None:
        while True:
            await self._something.wait()
            try:
                if self._reader_id is None:
                    self._reader_id = await self._reader.client_id()
                    self._tell_trouble(self._open_answers, None)
                await self._read()
            except (RedisError, OSError) as error:
                logger.warning("hub lost Redis: %s", error)
                self._reader_id = None
                self._tell_trouble(self._open_answers, "delayed")
                await asyncio.sleep(RETRY_DELAY_S)

    @property
    def _open_answers(self) -> list[Watched]:
        return [watched for watched in self._watched.values() if watched.answer.ended is None]

    async def _read(self) -> None:
        by_key = {watched.key: watched for watched in self._open_answers}
        if not by_key:
            self._something.clear()
            self._lag.rest()
            return
        self._lag.begin()
        # redis-py's type does not take a dict of str
        open_logs: dict[Any, Any] = {key: watched.answer.position for key, watched in by_key.items()}
        open_logs[self._lag.key] = self._lag.position
        try:
            found = await self._reader.xread(open_logs, block=int(BLOCK_S * 1000))
        except ResponseError as error:
            if "UNBLOCKED" not in str(error):
                raise
            return
        for name, raw in found:
            if watched := by_key.get(name.decode()):
                self._take(watched.answer.generation_id, stream_log.entries_of_plain(raw))
            else:
                self._lag.heard(raw)
        await asyncio.sleep(batch_delay(len(by_key)))

    def _take(self, generation_id: UUID, entries: list[stream_log.Entry]) -> None:
        watched = self._watched.get(generation_id)
        if watched is None:
            return
        watched.heard_at = time.monotonic()
        try:
            watched.answer.fold(watched.answer.newer(entries))
        except HoleInLog:
            self._resync(watched)
            return
        if watched.answer.ended:
            self._end(watched)
        elif watched.wants_html:
            self._renderer.want(watched.answer)
        watched.wake()

    def _resync(self, watched: Watched) -> None:
        """Forget the answer; its pages are told to fetch it, and will watch it again."""
        logger.warning("log of generation %s has a gap", watched.answer.generation_id)
        del self._watched[watched.answer.generation_id]
        self._renderer.forget(watched.answer)
        watched.answer.broken = True
        watched.wake()

    # Pages

    def _wake(self, answer: LiveAnswer) -> None:
        watched = self._watched.get(answer.generation_id)
        if watched is not None and watched.answer is answer:
            watched.wake()

    def _tell_trouble(self, several: list[Watched], trouble: PhaseName | None) -> None:
        for watched in several:
            if watched.answer.trouble != trouble:
                watched.answer.trouble = trouble
                watched.wake()

    def _end(self, watched: Watched) -> None:
        self._renderer.forget(watched.answer)
        self._endings.begin(watched)

    # Care

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(SILENCE_S / 2)
            now = time.monotonic()
            for pk, watched in list(self._watched.items()):
                if watched.left_at is not None and now - watched.left_at > LINGER_S:
                    del self._watched[pk]
            for watched in list(self._watched.values()):
                if watched.answer.ended and not (watched.answer.finished or watched.answer.broken):
                    self._end(watched)
            silent = [pk for pk, w in self._watched.items() if w.answer.ended is None and now - w.heard_at > SILENCE_S]
            try:
                await self.look_at_end(silent)
                await self._look_at_leases(silent)
                if self._open_answers:
                    await self._lag.send(self._redis)
            except (Error, RedisError, OSError) as error:
                logger.warning("silent answers were not checked: %s", error)

    async def _look_at_leases(self, generation_ids: list[UUID]) -> None:
        """An answer that was begun, and that no process has now, is about to be taken over: its pages are told."""
        for generation_id in await unheld(self._redis, generation_ids):
            watched = self._watched.get(generation_id)
            if watched is not None and watched.answer.attempt and watched.answer.ended is None:
                self._tell_trouble([watched], "resuming")


def die_with(task: asyncio.Task[None]) -> None:
    """A process without one of these tasks only looks alive: end it, so that it is restarted and pages resume."""
    if not task.cancelled():
        logger.critical("task %r of the hub ended", task.get_name(), exc_info=task.exception())
        os._exit(70)  # EX_SOFTWARE


_hub: Hub | None = None


def hub() -> Hub:
    """This process's hub, made by the first socket, in its loop."""
    global _hub
    if _hub is None:
        _hub = Context().run(Hub)  # its tasks are about no page's request
    return _hub


def watched_here() -> int:
    """Answers that this process watches; makes no hub."""
    return len(_hub) if _hub is not None else 0
