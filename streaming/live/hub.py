"""The hub of a web process: tails all logs watched here over one connection, and wakes the watchers."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context
from typing import Any, TypeVar
from uuid import UUID

from django.db import Error
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from conversations.models import Generation
from conversations.models.generation.generation import Status
from streaming.coordination.database import in_database
from streaming.coordination.leases import unheld
from streaming.coordination.redis_clients import BLOCK_S, blocking_client, command_client
from streaming.log import stream_log
from streaming.log.fold import HoleInLog
from streaming.log.records import Ended
from streaming.protocol import PhaseName

from .answer import LiveAnswer, Watcher
from .delivery import DeliveryStats, LagProbe
from .endings import Endings, ended_among
from .queue_positions import update_queue_positions
from .renderer import Renderer

logger = logging.getLogger(__name__)

CARE_INTERVAL_S = 1.0
SILENCE_S = 2.0  # without a record; then the database is asked whether the answer has ended
LINGER_S = 30.0  # an answer without watchers is kept this long, for a page that is being reloaded
RETRY_DELAY_S = 0.5
PAGE = 500  # log entries read at a time for a watcher that is far behind

W = TypeVar("W", bound=Watcher)


class Hub:
    def __init__(self) -> None:
        self._redis: Redis = command_client()
        self._reader: Redis = blocking_client()
        stream_log.read_plainly(self._reader)
        self._reader_id: int | None = None
        self._answers: dict[UUID, LiveAnswer] = {}
        self._has_open = asyncio.Event()
        self._lag = LagProbe()
        self._renderer = Renderer()
        self._stats = DeliveryStats(self._redis)
        self._endings = Endings(self._stats)
        self._tasks = [
            asyncio.create_task(self._tail(), name="hub"),
            asyncio.create_task(self._renderer.run(), name="renderer"),
            asyncio.create_task(
                self._repeat("silent answers were not checked", self._look_after_silent), name="silence"
            ),
            asyncio.create_task(
                self._repeat("queue positions were not updated", self._update_queue_positions), name="positions"
            ),
            asyncio.create_task(
                self._repeat("viewer counts were not published", self._publish_viewers), name="viewers"
            ),
        ]
        for task in self._tasks:
            task.add_done_callback(die_with)

    def __len__(self) -> int:
        """The number of answers that are watched, or were within LINGER_S."""
        return len(self._answers)

    @property
    def open_answers(self) -> list[LiveAnswer]:
        return [answer for answer in self._answers.values() if answer.is_open]

    # For watchers

    async def watch(
        self, generation: Generation, watcher_of: Callable[[LiveAnswer], W], wake: Callable[[W], None]
    ) -> W | None:
        """``wake`` is called at once and then whenever there may be something new. It must not take long.

        None if the log has expired or has a hole: read the database. Raises RedisError, OSError.
        """
        answer = self._answers.get(generation.pk) or await self._begin(generation)
        if answer is None:
            return None
        watcher = watcher_of(answer)
        answer.watchers[watcher] = wake
        answer.delivery.viewers = max(answer.delivery.viewers, len(answer.watchers))
        answer.left_at = None
        if watcher.needs_html:
            self._renderer.add(answer)
        wake(watcher)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        answer = watcher.answer
        answer.watchers.pop(watcher, None)
        if not answer.watchers:
            answer.left_at = time.monotonic()
        if not answer.needs_html:
            self._renderer.discard(answer)

    async def entries_after(self, answer: LiveAnswer, position: stream_log.Position) -> list[stream_log.Entry]:
        """The next log entries, at most ``PAGE``; mostly from memory. Raises RedisError, OSError."""
        recent = answer.recent_after(position)
        if recent is not None:
            return recent
        return await stream_log.read(self._redis, answer.generation_id, after=position, count=PAGE)

    async def entries_until(self, generation_id: UUID, position: stream_log.Position) -> list[stream_log.Entry]:
        """The log from its beginning up to and including this position. Raises RedisError, OSError."""
        return await stream_log.read(self._redis, generation_id, upto=position)

    async def check_ended(self, generation_ids: Iterable[UUID]) -> None:
        """Ask the database which of these have ended: a log has no end if its process died, or if none ever began.

        This process may only be behind, having been suspended: it folds the rest of the log first.
        """
        known = [pk for pk in generation_ids if pk in self._answers]
        if not known:
            return
        for pk, status, error_code in await in_database(ended_among, known):
            if (answer := self._answers.get(pk)) is None:
                continue
            try:
                self._fold(answer, await stream_log.read(self._redis, pk, after=answer.position))
            except (RedisError, OSError) as error:
                logger.warning("the rest of generation %s cannot be read: %s", pk, error)
            if answer.is_open and not answer.broken:
                answer.ended = Ended(Status(status), error_code)
                self._end(answer)

    # The logs

    async def _begin(self, generation: Generation) -> LiveAnswer | None:
        entries = await stream_log.read(self._redis, generation.pk)
        if answer := self._answers.get(generation.pk):  # another page was faster
            return answer
        if not entries and Status(generation.status).is_final:
            return None
        answer = LiveAnswer(generation.pk, generation.message.fragment_url)
        try:
            answer.fold(entries)
        except HoleInLog:
            logger.warning("log of generation %s has a gap", generation.pk)
            return None
        self._answers[generation.pk] = answer
        self._has_open.set()
        if self._reader_id is not None:  # restart the blocking read with the new log among its keys
            await self._redis.client_unblock(self._reader_id)
        if not answer.is_open:
            answer.ended_before = True
            self._end(answer)
        return answer

    async def _tail(self) -> None:
        while True:
            await self._has_open.wait()
            try:
                if self._reader_id is None:
                    self._reader_id = await self._reader.client_id()
                    show_trouble(self.open_answers, None)
                await self._read()
            except (RedisError, OSError) as error:
                logger.warning("hub lost Redis: %s", error)
                self._reader_id = None
                show_trouble(self.open_answers, "delayed")
                await asyncio.sleep(RETRY_DELAY_S)

    async def _read(self) -> None:
        by_key = {answer.key: answer for answer in self.open_answers}
        if not by_key:
            self._has_open.clear()
            self._lag.pause()
            return
        self._lag.resume()
        # redis-py's type does not accept a dict with str keys.
        open_logs: dict[Any, Any] = {key: answer.position for key, answer in by_key.items()}
        open_logs[self._lag.key] = self._lag.position
        try:
            found = await self._reader.xread(open_logs, block=int(BLOCK_S * 1000))
        except ResponseError as error:
            if "UNBLOCKED" not in str(error):
                raise
            return
        for name, raw in found:
            if answer := by_key.get(name.decode()):
                self._fold(answer, stream_log.entries_of_plain(raw))
            else:
                self._lag.record(raw)
        await asyncio.sleep(stream_log.batch_delay(len(by_key)))

    def _fold(self, answer: LiveAnswer, entries: list[stream_log.Entry]) -> None:
        if self._answers.get(answer.generation_id) is not answer:  # found broken meanwhile
            return
        try:
            answer.fold(answer.newer(entries))
        except HoleInLog:
            self._break(answer)
            return
        if not answer.is_open:
            self._end(answer)
        elif answer.needs_html:
            self._renderer.add(answer)
        answer.wake()

    def _break(self, answer: LiveAnswer) -> None:
        """Forget the answer; its pages get a Resync, fetch the message, and watch again."""
        logger.warning("log of generation %s has a gap", answer.generation_id)
        self._answers.pop(answer.generation_id, None)
        self._renderer.discard(answer)
        answer.broken = True
        answer.wake()

    def _end(self, answer: LiveAnswer) -> None:
        self._renderer.discard(answer)
        self._endings.begin(answer)

    # Care

    async def _repeat(self, otherwise: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(CARE_INTERVAL_S)
            try:
                await work()
            except (Error, RedisError, OSError) as error:
                logger.warning("%s: %s", otherwise, error)

    async def _look_after_silent(self) -> None:
        now = time.monotonic()
        for pk, answer in list(self._answers.items()):
            if answer.left_at is not None and now - answer.left_at > LINGER_S:
                del self._answers[pk]
            elif not (answer.is_open or answer.finished or answer.broken):  # the database was unavailable
                self._end(answer)
        silent = [answer.generation_id for answer in self.open_answers if now - answer.last_record_at > SILENCE_S]
        await self.check_ended(silent)
        unheld_now = await unheld(self._redis, silent)
        about_to_be_taken_over = [a for a in self.open_answers if a.attempt and a.generation_id in unheld_now]
        show_trouble(about_to_be_taken_over, "resuming")
        if self.open_answers:
            await self._lag.send(self._redis)

    async def _update_queue_positions(self) -> None:
        await update_queue_positions(self._redis, self.open_answers)

    async def _publish_viewers(self) -> None:
        watched = {answer.generation_id: len(answer.watchers) for answer in self.open_answers if answer.watchers}
        await self._stats.publish(watched)


def show_trouble(answers: Iterable[LiveAnswer], trouble: PhaseName | None) -> None:
    for answer in answers:
        if answer.trouble != trouble:
            answer.trouble = trouble
            answer.wake()


def die_with(task: asyncio.Task[None]) -> None:
    """End the process when a hub task ends: without it the process only looks alive. It is restarted; pages resume."""
    if not task.cancelled():
        logger.critical("task %r of the hub ended", task.get_name(), exc_info=task.exception())
        os._exit(70)  # EX_SOFTWARE


_hub: Hub | None = None


def hub() -> Hub:
    """This process's hub; the first caller creates it, in its event loop."""
    global _hub
    if _hub is None:
        _hub = Context().run(Hub)  # an empty context: its tasks belong to no request
    return _hub


def watched_here() -> int:
    """The number of answers that this process watches. Does not create the hub."""
    return len(_hub) if _hub is not None else 0
