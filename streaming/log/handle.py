"""One attempt's handle on its log: the records waiting for an id, those sent, and those that Redis has confirmed.

If Redis lost records, they are appended again from memory, so that no shown text is taken back.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ResponseError

from conversations import site_time
from conversations.models.chat.message import PartKey
from streaming.protocol import code_units

from .fold import Folded, HoleInLog
from .records import AnyRecord, Claimed, Ended, PhaseBegan, Restarted, StageIs, Text, encode
from .stream_log import BEGINNING, FIELD, REFUSED, AttemptLost, Position, as_pair, extent, key_of, read

if TYPE_CHECKING:
    from .writer import LogWriter

logger = logging.getLogger(__name__)

JOINED_LENGTH = 4096  # characters; joining ever longer texts would copy each many times
COMMAND_BYTES = 111  # of an XADD in Redis' protocol, without its id and its record


class Sent(NamedTuple):
    """A record that has an id."""

    position: Position
    data: bytes
    record: AnyRecord


class LogHandle:
    """One attempt's handle on its log. What it writes is in ``texts`` at once, and in Redis after ``flush``."""

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
        self.lost = asyncio.Event()  # set when a later attempt has claimed the log
        self.sent_bytes = 0  # to Redis
        # When Redis confirmed the answer's first text; None before, and if an earlier attempt wrote it.
        self.first_append_at: datetime | None = None
        self._awaits_first = not begun.tokens  # the first text has no id yet
        self._first = 0  # sequence of the first text until Redis confirms it, then 0
        self._writer = writer
        self._key = key_of(generation_id)
        self._sequence = 0  # of the last id given
        self._pieces = {key: [text] for key, text in begun.texts.items()}
        self._lengths = {key: code_units(text) for key, text in begun.texts.items()}
        self._stages = dict(begun.stages)  # latest record by stage
        self._phase: PhaseBegan | None = None  # the latest
        self._ended: Ended | None = None
        self._waiting: list[AnyRecord] = []  # without an id
        self._sent: deque[Sent] = deque()  # with an id, not yet confirmed
        self._confirmed = (attempt, 0)  # the last id that Redis has
        self._entries = entries  # that Redis has; 0: the log does not exist yet
        self._flushed: asyncio.Event = asyncio.Event()
        self._flushed.set()

    # Called by the attempt

    def write(self, key: PartKey, text: str, tokens: int = 1) -> None:
        """Append text to a part."""
        at = self._lengths.get(key, 0)
        self.tokens += tokens
        self.stage_tokens[key.stage] += tokens
        self._pieces.setdefault(key, []).append(text)
        self._lengths[key] = at + code_units(text)
        last = self._waiting[-1] if self._waiting else None
        if isinstance(last, Text) and last.key == key and len(last.text) < JOINED_LENGTH:
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
        elif isinstance(record, PhaseBegan):
            self._phase = record
        elif isinstance(record, Ended):
            self._ended = record
        self._waiting.append(record)
        self._wake()

    def length_of(self, key: PartKey) -> int:
        """In code units."""
        return self._lengths.get(key, 0)

    def texts(self) -> dict[PartKey, str]:
        """All text written so far, by part, as saved to the database."""
        for pieces in self._pieces.values():
            pieces[:] = ["".join(pieces)]
        return {key: pieces[0] for key, pieces in self._pieces.items()}

    async def flush(self) -> None:
        """Wait until Redis has everything. Raises AttemptLost. Cancelling stops only the waiting, not the writing."""
        await self._flushed.wait()
        if self.lost.is_set():
            raise AttemptLost

    # Called by the writer

    @property
    def is_dirty(self) -> bool:
        return bool(self._waiting or self._sent) and not self.lost.is_set()

    def fill(self, pipeline: Pipeline) -> int:
        """Give ids to waiting records, add everything unconfirmed to the pipeline, return the number of commands.

        The terminal record is the last one; the log's expiry is set with it.
        """
        for record in self._waiting:
            self._sequence += 1
            self._sent.append(Sent(f"{self.attempt}-{self._sequence}", encode(record), record))
            if self._awaits_first and isinstance(record, Text) and record.tokens:
                self._awaits_first, self._first = False, self._sequence
        self._waiting.clear()
        for index, (position, data, _) in enumerate(self._sent):
            is_there = self._entries > 0 or index > 0
            self.sent_bytes += COMMAND_BYTES + len(position) + len(data)
            pipeline.xadd(self._key, {FIELD: data}, id=position, nomkstream=is_there)
        if self._ended:
            pipeline.expire(self._key, settings.LOG_EXPIRY_S)
        return len(self._sent) + bool(self._ended)

    def take(self, answers: list[object]) -> None:
        """Take the pipeline's replies. A refused id means that a later attempt has the log."""
        for answer in answers[: len(self._sent)]:
            if answer is None:  # the log no longer exists
                self._append_lost(as_pair(BEGINNING), 0, Folded())
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
        """After a failed write or a new connection, find out which of the sent and earlier entries Redis has."""
        if self.lost.is_set():
            return
        position, length = await extent(redis, self.generation_id)
        last = as_pair(position)
        if last[0] > self.attempt:
            self.give_up()
            return
        taken = sum(as_pair(sent.position) <= last for sent in self._sent)
        if last < self._confirmed or length != self._entries + taken:
            left = Folded()
            with suppress(HoleInLog):  # the records appended again fill it
                left.fold(await read(redis, self.generation_id))
            self._append_lost(last, length, left)
            return
        if self._ended and taken:
            await redis.expire(self._key, settings.LOG_EXPIRY_S)
        for _ in range(taken):
            self._confirm()
        if not self.is_dirty:
            self._flushed.set()

    def _confirm(self) -> None:
        position, data, _ = self._sent.popleft()
        self._confirmed = as_pair(position)
        self._entries += 1
        if self._first and self._confirmed[1] >= self._first:
            self.first_append_at, self._first = site_time.now(), 0
        self._writer.appended += 1
        self._writer.appended_bytes += len(data)

    def _append_lost(self, last: tuple[int, int], entries: int, left: Folded) -> None:
        """Redis lost the log or some of it: append what is missing to what is ``left``.

        No shown text is taken back: a reader that has more than is left skips the records it knows.
        """
        self._confirmed, self._entries = last, entries
        logger.warning("log of generation %s lost records; they are appended again", self.generation_id)
        pending = [sent.record for sent in self._sent] + self._waiting
        restarted = {record.key for record in pending if isinstance(record, Restarted)}
        self._sent.clear()
        self._waiting[:] = self._missing_from(left, restarted)
        self._waiting += [record for record in pending if not isinstance(record, Text | Restarted | StageIs | Ended)]
        if self._ended:
            self._waiting.append(self._ended)
        self._wake()

    def _missing_from(self, left: Folded, restarted: set[PartKey]) -> Iterator[AnyRecord]:
        """The records missing from a log that folds to ``left``."""
        if left.attempt != self.attempt:
            yield Claimed(self.attempt, "")
        yield from (stage for number, stage in self._stages.items() if left.stages.get(number) != stage)
        if self._phase:
            yield self._phase
        texts, left_texts, tokens = self.texts(), left.texts, left.tokens
        uncounted = self.stage_tokens - left.stage_tokens
        for key in {**left_texts, **texts, **dict.fromkeys(restarted)}:
            text, there = texts.get(key, ""), left_texts.get(key, "")
            if key in restarted or not text.startswith(there):
                yield Restarted(key.stage, key.kind)
                there = ""
            newly = uncounted.pop(key.stage, 0)
            if newly or len(text) > len(there):
                tokens += newly
                yield Text(key.stage, key.kind, code_units(there), text[len(there) :], tokens)

    def _wake(self) -> None:
        if self.lost.is_set():  # nothing would be written, so ``flush`` must not wait for it
            return
        self._flushed.clear()
        self._writer.wake(self)
