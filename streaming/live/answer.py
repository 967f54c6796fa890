"""An answer that is being written, as one web process knows it: what its log adds up to."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from conversations.models.chat.message import PartKey
from conversations.models.generation.timing import Delivery
from streaming.coordination.answer_queue import QueuePosition
from streaming.log.records import (
    AnyRecord,
    Claimed,
    Ended,
    HoleInLog,
    Noticed,
    PhaseBegan,
    Restarted,
    StageIs,
    Text,
    fit,
)
from streaming.log.stream_log import BEGINNING, Entry, Position, as_pair
from streaming.protocol import PhaseName, code_units

from .part import LivePart

RECENT = 64  # entries that are kept as they came, for readers of the log itself; who lacks more reads it in Redis


@dataclass(frozen=True)
class FinishedAnswer:
    """What the database says of an answer that has ended."""

    status: str
    footer: str  # HTML
    blocks: dict[str, list[str]]  # final HTML by part
    texts: dict[str, str] | None = None  # by part; None if a later generation has the message now
    attempt: int = 0  # the last one
    error_code: str = ""
    error: str = ""


class LiveAnswer:
    def __init__(self, generation_id: UUID, conversation_id: UUID, message_id: UUID):
        self.generation_id = generation_id
        self.conversation_id = conversation_id
        self.message_id = message_id
        self.url = f"/c/{conversation_id}/messages/{message_id}/"  # of the message alone, from the database
        self.position: Position = BEGINNING
        self._recent: deque[Entry] = deque(maxlen=RECENT)
        self.parts: dict[PartKey, LivePart] = {}
        self.tokens = 0
        self.attempt = 0
        self.phase = PhaseBegan("queued")
        self.phase_at: Position = BEGINNING
        self.known_since = time.monotonic()
        self.place: QueuePosition | None = None  # in the queue; None: not known, or it has been taken
        self.expected = PhaseBegan("starting")  # the one that told what is expected
        self.trouble: PhaseName | None = None  # what holds it up, told instead of its phase until the next record
        self.notices: list[str] = []
        self.stages: dict[int, StageIs] = {}  # of an answer that has several
        self.ended: Ended | None = None
        self.finished: FinishedAnswer | None = None  # read after the end
        self._holed: set[PartKey] = set()  # parts of which records are missing
        self.broken = False  # records are missing: pages must read the database
        self.show = Delivery()  # what this process showed of it
        self.tail_due = 0.0  # monotonic; when the open end may be rendered again

    def fold(self, entries: Iterable[Entry]) -> None:
        """Raises HoleInLog; the answer is then of no more use."""
        for position, record in entries:
            self._fold(position, record)
            self.position = position
            self.trouble = None
            self._recent.append((position, record))
        if self._holed:
            raise HoleInLog

    def newer(self, entries: list[Entry]) -> list[Entry]:
        """Those that were not folded yet: two may read the same log at once."""
        if not entries or as_pair(entries[0][0]) > as_pair(self.position):
            return entries
        return [entry for entry in entries if as_pair(entry[0]) > as_pair(self.position)]

    def has_all_of(self, finished: FinishedAnswer) -> bool:
        """The log told the whole text; or a later generation has the message now, and nobody can tell."""
        if finished.texts is None:
            return True
        told = {part.name: part.length for part in self.parts.values() if part.length}
        return told == {name: code_units(text) for name, text in finished.texts.items() if text}

    def recent_after(self, position: Position) -> list[Entry] | None:
        """The entries after this one; None if it is not among those that are kept."""
        newer: list[Entry] = []
        for entry in reversed(self._recent):
            if entry[0] == position:
                return newer[::-1]
            newer.append(entry)
        return None

    def _fold(self, position: Position, record: AnyRecord) -> None:
        match record:
            case Text():
                self._take_text(position, record)
            case PhaseBegan():
                self.phase, self.phase_at = record, position
                self.expected = record if record.expected_tokens else self.expected
            case Restarted():
                self.parts[record.key] = LivePart(record.key, position)
                self._holed.discard(record.key)
            case Claimed(attempt=attempt):
                self.attempt, self.place = attempt, None
            case Noticed(message=message):
                self.notices.append(message)
            case StageIs(stage=stage):
                self.stages[stage] = record
            case Ended():
                self.ended = record

    def _take_text(self, position: Position, record: Text) -> None:
        part = self._part(record.key)
        news = fit(record, part.length, part.text_from)
        if news is None:
            self._holed.add(record.key)
            return
        self._holed.discard(record.key)
        for one in news:
            if isinstance(one, Restarted):
                self.parts[record.key] = LivePart(record.key, position)
            else:
                self.parts[record.key].append(one.text)
        self.tokens = record.tokens

    def _part(self, key: PartKey) -> LivePart:
        if key not in self.parts:
            self.parts[key] = LivePart(key)
        return self.parts[key]
