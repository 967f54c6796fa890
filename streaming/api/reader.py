"""What a program lacks of an answer, as events, each with the position at which it can resume.

A page says what text it has; a program says the last position only. So a reader tells the log itself, entry by entry,
and never more than its program takes: it keeps a position, and no queue.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from conversations.models import Generation, Message
from conversations.models.chat.message import PartKey
from conversations.models.generation.generation import Status
from streaming.coordination.answer_queue import QueuePosition
from streaming.coordination.database import in_database
from streaming.live.answer import FinishedAnswer, LiveAnswer
from streaming.live.finished import texts_by_name
from streaming.live.hub import hub
from streaming.live.viewer import phase_event, phase_of, stage_event
from streaming.log.records import AnyRecord, Claimed, HoleInLog, Noticed, PhaseBegan, Restarted, StageIs, Text
from streaming.log.stream_log import BEGINNING, Entry, Position, as_pair
from streaming.protocol import (
    AnswerFinished,
    AnyEvent,
    Notice,
    PartName,
    PartRestarted,
    TextDelta,
    code_units,
    units_from,
)

POSITION = re.compile(r"[0-9]{1,9}-[0-9]{1,9}", re.ASCII)


class Sent(NamedTuple):
    position: Position | None  # None: not yet a place to resume at, since more belongs to it
    event: AnyEvent


class Reader:
    """Tells one program one answer from the log. ``after`` is the position that it has, empty if it has nothing."""

    wants_html = False

    def __init__(self, answer: LiveAnswer, after: Position, news: asyncio.Event):
        self.answer = answer
        self.news = news  # set when there may be something to tell
        self.done = False  # the terminal event was told
        self._after = after
        self._position: Position = BEGINNING
        self._attempt = 1
        self._place: QueuePosition | None = None  # as the program was told, while it was queued
        self._lengths: dict[PartName, int] = {}
        self._begun: dict[PartName, Position] = {}  # where parts were begun anew
        self._holed: set[PartName] = set()  # parts of which text is missing
        self._doubtful = False  # nobody knows what the program has of a part: it is told to drop it, once for each

    async def lacking(self) -> list[Sent]:
        """The next events, empty if it has all there is. Raises HoleInLog, RedisError, OSError."""
        if self._after:
            await self._pass_over(self._after)
        if self.answer.broken:
            raise HoleInLog
        while entries := await hub().entries_after(self.answer, self._position):
            if told := list(self._events_of(entries)):  # not every entry is told
                return told
        if self._holed:
            raise HoleInLog
        if self.answer.finished is None:
            return list(self._events_of_place())
        if as_pair(self._position) < as_pair(self.answer.position):
            raise HoleInLog  # it expired, while a slow program read it
        self.done = True
        return list(self._ending(self.answer.finished))

    async def _pass_over(self, position: Position) -> None:
        """Take what the program has as told; without trace of that position in the log, it is told everything."""
        entries: list[Entry] = []
        if POSITION.fullmatch(position):
            entries = await hub().entries_until(self.answer.generation_id, position)
        if entries and entries[-1][0] == position:
            for _ in self._events_of(entries):
                pass
        else:
            self._doubtful = True
        self._after = ""

    def _events_of(self, entries: Iterable[Entry]) -> Iterator[Sent]:
        """Text that follows on text of its part goes with it, as one event."""
        for key, several in groupby(entries, key=text_key):
            if key is None:
                for position, record in several:
                    self._position = position
                    yield from self._events_of_record(position, record)
            else:
                texts = list(several)
                self._position = texts[-1][0]
                yield from self._events_of_text([record for _, record in texts if isinstance(record, Text)])

    def _events_of_place(self) -> Iterator[Sent]:
        """Of one that nobody has begun yet: the log has nothing of it."""
        if self.answer.attempt == 0 and self.answer.place != self._place:
            self._place = self.answer.place
            yield Sent(None, phase_of(self.answer))

    def _events_of_record(self, position: Position, record: AnyRecord) -> Iterator[Sent]:
        match record:
            case PhaseBegan():
                yield Sent(position, phase_event(self._generation, position, record, self._attempt))
            case Restarted():
                self._lengths[name_of(record)], self._begun[name_of(record)] = 0, position
                self._holed.discard(name_of(record))
                yield Sent(position, PartRestarted(self._generation, position, name_of(record)))
            case Claimed(attempt=attempt):
                self._attempt = attempt
            case Noticed(message=message):
                yield Sent(position, Notice(self._generation, message))
            case StageIs():
                yield Sent(position, stage_event(self._generation, position, record))

    def _events_of_text(self, records: list[Text]) -> Iterator[Sent]:
        """Called when the last of them is where ``_position`` stands. What the program has of them is left out."""
        part = name_of(records[0])
        at = end = self._lengths.get(part, 0)
        if self._doubtful and part not in self._lengths:
            yield Sent(None, PartRestarted(self._generation, self._position, part))
        pieces: list[str] = []
        for record in records:
            (self._holed.add if record.at > end else self._holed.discard)(part)
            if record.at <= end < record.at + code_units(record.text):
                pieces.append(units_from(record.text, end - record.at))
                end += code_units(pieces[-1])
        self._lengths[part] = end
        if pieces:
            delta = TextDelta(self._generation, self._position, part, at, "".join(pieces), records[-1].tokens)
            yield Sent(self._position, delta)

    def _ending(self, finished: FinishedAnswer) -> Iterator[Sent]:
        """The database has the last word: a log whose writer died can lack the end of the text, or tell another one."""
        parts = [part for part in self.answer.parts.values() if self._begun.get(part.name, BEGINNING) == part.begun_at]
        logged = {part.name: part.text_from(0) for part in parts}
        stored = finished.texts or {}
        differing = {name: text for name, text in stored.items() if text != logged.get(name, "")}
        yield from whole(self._generation, self._position, differing)
        yield ending(self._generation, finished)

    @property
    def _generation(self) -> UUID:
        return self.answer.generation_id


class Stored:
    """Tells an answer from the database, when it has ended: its log has expired, or has a hole."""

    def __init__(self, generation_id: UUID, news: asyncio.Event):
        self.news = news
        self.done = False
        self._generation_id = generation_id

    async def lacking(self) -> list[Sent]:
        """Empty while it is being written. Raises Generation.DoesNotExist if it is deleted for good."""
        finished = await in_database(read_stored, self._generation_id)
        if finished is None:
            return []
        self.done = True
        return [*whole(self._generation_id, "", finished.texts or {}), ending(self._generation_id, finished)]


def read_stored(generation_id: UUID) -> FinishedAnswer | None:
    """None if it has not ended."""
    generation = Generation.objects.get(pk=generation_id)
    if not Status(generation.status).is_final:
        return None
    message = Message.objects.prefetch_related("parts").get(pk=generation.message_id)
    return FinishedAnswer(
        status=generation.status,
        footer="",
        blocks={},
        texts=texts_by_name(message),
        attempt=generation.attempt,
        error_code=generation.error_code,
        error=generation.error_sentence,
    )


def whole(generation: UUID, position: Position, texts: dict[PartName, str]) -> Iterator[Sent]:
    """Parts from their beginning, whatever the program has of them. It cannot resume among these."""
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
    """Behind all that a log can have, so that it is known for the end when the log is not there any more."""
    return f"{last_attempt + 1}-0"


def has_end(generation: Generation, position: Position) -> bool:
    """The program at this position has had the terminal event."""
    if not Status(generation.status).is_final or not POSITION.fullmatch(position):
        return False
    return as_pair(position) >= as_pair(end_of(generation.attempt))


def name_of(record: Text | Restarted) -> PartName:
    return f"{record.stage}.{record.kind}"


def text_key(entry: Entry) -> PartKey | None:
    """Of text: its part."""
    record = entry[1]
    return record.key if isinstance(record, Text) else None
