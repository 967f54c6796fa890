"""Group commit: one writer per process puts the text of all its generations into their logs.

Text that arrives while a write is on its way is joined per part and goes out with the next pipeline. At low load every
token leaves at once; where there are many streams, the writer rests for a few milliseconds between two pipelines.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from datetime import datetime
from uuid import UUID
from weakref import WeakSet

from django.utils import timezone
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError, ResponseError

from conversations.models.message import PartKey
from streaming import counters
from streaming.pooling import rest_s
from streaming.protocol import code_units
from streaming.redis_clients import Connections

from .records import AnyRecord, Folded, Restarted, StageIs, Text, encode
from .stream_log import BEGINNING, FIELD, REFUSED, AttemptLost, as_pair, extent, key_of

logger = logging.getLogger(__name__)

COMMAND_BYTES = 111  # of an XADD beside its id and its record, as Redis' protocol writes it
RETRY_DELAYS_S = (0.05, 0.1, 0.2, 0.5, 1.0)  # while Redis is away; the last one again and again


class LogHandle:
    """One attempt's hold on its log. What it was given is in ``texts`` at once, and in Redis after ``flush``."""

    def __init__(
        self,
        writer: LogWriter,
        generation_id: UUID,
        attempt: int,
        begun: Folded,
        entries: int,
    ):
        self.generation_id = generation_id
        self.attempt = attempt
        self.tokens = begun.tokens
        self.stage_tokens = Counter(begun.stage_tokens)
        self.lost = asyncio.Event()  # a later attempt has the log
        self.sent_bytes = 0  # to Redis
        self.first_append_at: datetime | None = None  # of the answer's first text; None if an earlier attempt wrote it
        self._lacks_first = not begun.tokens  # that text has no id yet
        self._first = 0  # its sequence, until Redis has it
        self._writer = writer
        self._key = key_of(generation_id)
        self._sequence = 0  # of the last entry that was given an id
        self._pieces = {key: [text] for key, text in begun.texts.items()}
        self._lengths = {key: code_units(text) for key, text in begun.texts.items()}
        self._stages = dict(begun.stages)  # where they stand
        self._waiting: list[AnyRecord] = []  # have no id yet
        self._sent: deque[tuple[str, bytes]] = deque()  # have an id; Redis has not confirmed them
        self._confirmed = (attempt, 0)  # the last id that it has
        self._entries = entries  # that it has; none: the log is not there yet
        self._flushed: asyncio.Event = asyncio.Event()
        self._flushed.set()

    # What the attempt does

    def write(self, key: PartKey, text: str, tokens: int = 1) -> None:
        """Append text to a part."""
        at = self._lengths.get(key, 0)
        self.tokens += tokens
        self.stage_tokens[key.stage] += tokens
        self._pieces.setdefault(key, []).append(text)
        self._lengths[key] = at + code_units(text)
        last = self._waiting[-1] if self._waiting else None
        if isinstance(last, Text) and last.key == key:
            self._waiting[-1] = Text(key.stage, key.kind, last.at, last.text + text, self.tokens)
        else:
            self._waiting.append(Text(key.stage, key.kind, at, text, self.tokens))
        self._wake()

    def restart(self, key: PartKey) -> None:
        self._pieces.pop(key, None)
        self._lengths.pop(key, None)
        self.append(Restarted(key.stage, key.kind))

    def append(self, record: AnyRecord) -> None:
        if isinstance(record, StageIs):
            self._stages[record.stage] = record
        self._waiting.append(record)
        self._wake()

    def length_of(self, key: PartKey) -> int:
        """In code units."""
        return self._lengths.get(key, 0)

    def texts(self) -> dict[PartKey, str]:
        """All that was written so far, by part; what a save to the database takes."""
        for pieces in self._pieces.values():
            pieces[:] = ["".join(pieces)]
        return {key: pieces[0] for key, pieces in self._pieces.items()}

    async def flush(self) -> None:
        """Wait until Redis has everything. Raises AttemptLost. Cancelling it stops the waiting, not the writing."""
        await self._flushed.wait()
        if self.lost.is_set():
            raise AttemptLost

    # What the writer does

    @property
    def is_dirty(self) -> bool:
        return bool(self._waiting or self._sent) and not self.lost.is_set()

    def fill(self, pipeline: Pipeline) -> int:
        """Give ids to what waits, put it all into the pipeline, and return how many commands that were."""
        for record in self._waiting:
            self._sequence += 1
            self._sent.append((f"{self.attempt}-{self._sequence}", encode(record)))
            if self._lacks_first and isinstance(record, Text) and record.tokens:
                self._lacks_first, self._first = False, self._sequence
        self._waiting.clear()
        for index, (position, data) in enumerate(self._sent):
            is_there = self._entries > 0 or index > 0
            self.sent_bytes += COMMAND_BYTES + len(position) + len(data)
            pipeline.xadd(self._key, {FIELD: data}, id=position, nomkstream=is_there)
        return len(self._sent)

    def take(self, answers: list[object]) -> None:
        """Read the pipeline's answers: what was written is done; a refused id means that a later attempt has it."""
        for answer in answers:
            if answer is None:  # the log is gone
                self._begin_again(as_pair(BEGINNING), 0)
                self._wake()
                return
            if isinstance(answer, ResponseError) and REFUSED in str(answer):
                self.give_up()
                return
            if isinstance(answer, Exception):
                raise answer
            self._confirm()
        if not self.is_dirty:
            self._flushed.set()

    def give_up(self) -> None:
        self.lost.set()
        self._flushed.set()

    async def find_out(self, redis: Redis) -> None:
        """After a failed write, or a new connection: which of the sent entries does Redis have, and all before them?"""
        position, length = await extent(redis, self.generation_id)
        last = as_pair(position)
        if last[0] > self.attempt:
            self.give_up()
            return
        taken = sum(as_pair(sent) <= last for sent, _ in self._sent)
        if last < self._confirmed or length != self._entries + taken:
            self._begin_again(last, length)
            self._wake()
            return
        for _ in range(taken):
            self._confirm()
        if not self.is_dirty:
            self._flushed.set()

    def _confirm(self) -> None:
        position, data = self._sent.popleft()
        self._confirmed = as_pair(position)
        self._entries += 1
        if self._first and self._confirmed[1] >= self._first:
            self.first_append_at, self._first = timezone.now(), 0
        self._writer.appended += 1
        self._writer.appended_bytes += len(data)

    def _begin_again(self, last: tuple[int, int], entries: int) -> None:
        """Redis lost the log, or some of it: all of it is written anew, from memory, after what is left."""
        self._confirmed, self._entries = last, entries
        logger.warning("log of generation %s has lost records, writing it anew", self.generation_id)
        others = [record for record in self._waiting if not isinstance(record, Text | Restarted | StageIs)]
        self._sent.clear()
        self._waiting[:] = self._stages.values()
        uncounted = Counter(self.stage_tokens)
        tokens = 0
        for key, text in self.texts().items():
            tokens += uncounted.pop(key.stage, 0)
            self._waiting += [Restarted(key.stage, key.kind), Text(key.stage, key.kind, 0, text, tokens)]
        self._waiting += others

    def _wake(self) -> None:
        self._flushed.clear()
        self._writer.wake(self)


class LogWriter:
    """Writes for all handles of a process; ``run`` is its only task, owned by the runner."""

    def __init__(self, redis: Redis, connections: Connections):
        """``connections`` counts the client's: Redis may have lost something between two of them."""
        self._redis = redis
        self._connections = connections
        self._known_connections = connections.count
        self._open: WeakSet[LogHandle] = WeakSet()
        self._dirty: dict[UUID, LogHandle] = {}
        self._work = asyncio.Event()
        self.appended = self.appended_bytes = 0  # records that Redis has, not counted yet

    def open(self, generation_id: UUID, attempt: int, begun: Folded, entries: int) -> LogHandle:
        """A handle for an attempt that has claimed the log, which holds what is ``begun`` in so many entries."""
        handle = LogHandle(self, generation_id, attempt, begun, entries)
        self._open.add(handle)
        return handle

    def wake(self, handle: LogHandle) -> None:
        self._dirty[handle.generation_id] = handle
        self._work.set()

    async def run(self) -> None:
        failures = 0
        while True:
            await self._work.wait()
            self._work.clear()
            handles = [handle for handle in self._dirty.values() if handle.is_dirty]
            self._dirty.clear()
            try:
                await self._write(handles)
                await self._check_connection()
                failures = 0
                await asyncio.sleep(rest_s(len(self._open)))
            except (RedisError, OSError) as error:
                logger.warning("Redis does not take the logs of %d generations: %s", len(handles), error)
                await asyncio.sleep(RETRY_DELAYS_S[min(failures, len(RETRY_DELAYS_S) - 1)])
                failures += 1
                await self._find_out(handles)

    async def _write(self, handles: list[LogHandle]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        counts = [handle.fill(pipeline) for handle in handles]
        answers = await pipeline.execute(raise_on_error=False)
        for handle, count in zip(handles, counts, strict=True):
            handle.take(answers[:count])
            del answers[:count]
        counters.add(counters.LOG_APPENDS, self.appended)
        counters.add(counters.LOG_BYTES, self.appended_bytes)
        self.appended = self.appended_bytes = 0

    async def _check_connection(self) -> None:
        """Redis was restarted, perhaps, and has lost its last second: nothing but the logs themselves can tell."""
        if self._connections.count == self._known_connections:
            return
        known, self._known_connections = self._known_connections, self._connections.count
        if known:  # else it is the first one
            await self._find_out(list(self._open))

    async def _find_out(self, handles: list[LogHandle]) -> None:
        for handle in handles:
            try:
                await handle.find_out(self._redis)
            except (RedisError, OSError):
                logger.debug("Redis is still away")
            if handle.is_dirty:
                self.wake(handle)
