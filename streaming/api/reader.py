"""What an API client misses of an answer, as events, each with the position at which the client can resume.

A page reports what text it has; an API client only its last position. So a reader sends the log itself, entry by
entry, and only as fast as the client reads: it keeps what the client has, and no queue.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from conversations.models import Generation, Message
from conversations.models.chat.message import PartKey
from conversations.models.generation.generation import Status
from streaming.coordination.answer_queue import QueuePosition
from streaming.coordination.database import in_database
from streaming.live.answer import FinishedAnswer, LiveAnswer
from streaming.live.hub import hub
from streaming.live.viewer import phase_event, phase_of, stage_event
from streaming.log.fold import Folded, HoleInLog
from streaming.log.records import AnyRecord, Noticed, PhaseBegan, Restarted, StageIs, Text
from streaming.log.stream_log import Entry, Position, as_pair
from streaming.protocol import (
    AnswerFinished,
    AnyEvent,
    Notice,
    PartName,
    PartRestarted,
    TextDelta,
)

POSITION = re.compile(r"[0-9]{1,9}-[0-9]{1,9}", re.ASCII)


class Sent(NamedTuple):
    position: Position | None  # None: cannot resume here, since more events of the same entry follow
    event: AnyEvent


class Reader:
    """Sends one client one answer from the log. ``after``: the client's last position; empty if it has nothing."""

    needs_html = False

    def __init__(self, answer: LiveAnswer, after: Position, wake: asyncio.Event):
        self.answer = answer
        self.wake = wake  # set when there may be something to send
        self.done = False  # the terminal event was sent
        self._after = after
        self._sent = Folded()  # what the client has
        self._queue_position: QueuePosition | None = None  # last one sent
        self._doubtful = False  # unknown what the client has: it must drop each part once
        self._known: set[PartKey] = set()  # parts whose state at the client is known

    async def missing_events(self) -> list[Sent]:
        """The next events; empty if the client has all. Raises HoleInLog, RedisError, OSError."""
        if self._after:
            await self._pass_over(self._after)
        if self.answer.broken:
            raise HoleInLog
        while entries := await hub().entries_after(self.answer, self._sent.position):
            if events := list(self._events_of(entries)):  # not every entry is shown
                return events
        if self._sent.has_hole:
            raise HoleInLog
        if self.answer.finished is None:
            return list(self._events_of_queue())
        if as_pair(self._sent.position) < as_pair(self.answer.position):
            raise HoleInLog  # the log expired while a slow client was reading
        self.done = True
        return list(self._ending(self.answer.finished))

    async def _pass_over(self, position: Position) -> None:
        """Fold what the client has; if the log lacks that position, everything is sent."""
        entries: list[Entry] = []
        if POSITION.fullmatch(position):
            entries = await hub().entries_until(self.answer.generation_id, position)
        if entries and entries[-1][0] == position:
            with suppress(HoleInLog):  # later entries may fill it
                self._sent.fold(entries)
        else:
            self._doubtful = True
        self._after = ""

    def _events_of(self, entries: list[Entry]) -> Iterator[Sent]:
        """Consecutive text of the same part becomes one event."""
        added = [(entry, record) for entry in entries for record in self._sent.add(*entry)]
        for key, several in groupby(added, key=lambda pair: pair[1].key if isinstance(pair[1], Text) else None):
            if key is None:
                for entry, record in several:
                    yield from self._events_of_record(entry, record)
            else:
                yield from self._events_of_text(key, list(several))

    def _events_of_record(self, entry: Entry, record: AnyRecord) -> Iterator[Sent]:
        generation, position = self.answer.generation_id, entry[0]
        match record:
            case PhaseBegan():
                yield Sent(position, phase_event(generation, position, record, max(self._sent.attempt, 1)))
            case Restarted():
                self._known.add(record.key)
                # None if the fold made this restart for a text that replaces another: the text's event resumes.
                resumable = position if record is entry[1] else None
                yield Sent(resumable, PartRestarted(generation, position, record.key.name))
            case Noticed(message=message):
                yield Sent(position, Notice(generation, message))
            case StageIs():
                yield Sent(position, stage_event(generation, position, record))

    def _events_of_text(self, key: PartKey, several: list[tuple[Entry, AnyRecord]]) -> Iterator[Sent]:
        generation, position = self.answer.generation_id, several[-1][0][0]
        texts = [record for _, record in several if isinstance(record, Text)]
        if self._doubtful and key not in self._known:
            yield Sent(None, PartRestarted(generation, position, key.name))
        self._known.add(key)
        if text := "".join(record.text for record in texts):
            yield Sent(position, TextDelta(generation, position, key.name, texts[0].at, text, texts[-1].tokens))

    def _events_of_queue(self) -> Iterator[Sent]:
        """Queue position of a generation without an attempt; the log does not have it."""
        if self.answer.attempt == 0 and self.answer.queue_position != self._queue_position:
            self._queue_position = self.answer.queue_position
            yield Sent(None, phase_of(self.answer))

    def _ending(self, finished: FinishedAnswer) -> Iterator[Sent]:
        """The database decides: a log whose writer died can lack the end of the text, or have a different text."""
        sent = {key.name: text for key, text in self._sent.texts.items()}
        differing = {name: text for name, text in (finished.texts or {}).items() if text != sent.get(name, "")}
        yield from whole(self.answer.generation_id, self._sent.position, differing)
        yield ending(self.answer.generation_id, finished)


class Stored:
    """Sends a finished answer from the database, since its log has expired or has a hole."""

    def __init__(self, generation_id: UUID, wake: asyncio.Event):
        self.wake = wake
        self.done = False
        self._generation_id = generation_id

    async def missing_events(self) -> list[Sent]:
        """Empty until the answer has ended. Raises Generation.DoesNotExist if it was erased."""
        finished = await in_database(read_stored, self._generation_id)
        if finished is None:
            return []
        self.done = True
        return [*whole(self._generation_id, "", finished.texts or {}), ending(self._generation_id, finished)]


def read_stored(generation_id: UUID) -> FinishedAnswer | None:
    """None if the generation has not ended."""
    generation = Generation.objects.get(pk=generation_id)
    if not Status(generation.status).is_final:
        return None
    message = Message.objects.prefetch_related("parts").get(pk=generation.message_id)
    return FinishedAnswer(
        status=generation.status,
        footer="",
        blocks={},
        texts={key.name: text for key, text in message.texts().items()},
        attempt=generation.attempt,
        error_code=generation.error_code,
        error=generation.error_sentence,
    )


def whole(generation: UUID, position: Position, texts: dict[PartName, str]) -> Iterator[Sent]:
    """Whole parts, whatever the client has of them. It cannot resume between these events."""
    for part, text in texts.items():
        yield Sent(None, PartRestarted(generation, position, part))
        if text:
            yield Sent(None, TextDelta(generation, position, part, 0, text, 0))


def ending(generation: UUID, finished: FinishedAnswer) -> Sent:
    position = end_of(finished.attempt)
    event = AnswerFinished(
        generation=generation,
        position=position,
        status=finished.status,  # type: ignore[arg-type]
        error_code=finished.error_code,
        error=finished.error,
    )
    return Sent(position, event)


def end_of(last_attempt: int) -> Position:
    """A position after any that the log can have, so that it is recognized as the end after the log has expired."""
    return f"{last_attempt + 1}-0"


def has_end(generation: Generation, position: Position) -> bool:
    """Whether a client at this position has received the terminal event."""
    if not Status(generation.status).is_final or not POSITION.fullmatch(position):
        return False
    return as_pair(position) >= as_pair(end_of(generation.attempt))
