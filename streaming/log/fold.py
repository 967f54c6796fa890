"""Folds the records of a log to the state of an answer, for pages, API clients, the terminal and takeovers."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Generic, TypeVar

from conversations.models.chat.message import PartKey
from streaming.protocol import code_units, units_from

from .records import AnyRecord, Claimed, Ended, Noticed, PhaseBegan, Restarted, StageIs, Text
from .stream_log import BEGINNING, Entry, Position


class HoleInLog(Exception):
    """Text is missing between a part and a later record, and no record after that filled the hole or restarted it."""


class FoldedPart:
    """The text of a part so far, in the pieces in which it arrived. Lengths count UTF-16 code units."""

    def __init__(self, key: PartKey, begun_at: Position = BEGINNING):
        """A restart makes a new FoldedPart; ``begun_at`` is the restart's position."""
        self.key = key
        self.begun_at = begun_at
        self.length = 0
        self._pieces: list[str] = []
        self._starts: list[int] = []  # offset of each piece

    def append(self, text: str) -> None:
        self._pieces.append(text)
        self._starts.append(self.length)
        self.length += code_units(text)

    def text_from(self, start: int) -> str:
        """The text from this offset on; empty at the end. Takes time linear in the text returned."""
        if start >= self.length:
            return ""
        index = bisect_right(self._starts, start) - 1
        pieces = self._pieces[index:]
        if skipped := start - self._starts[index]:
            pieces[0] = units_from(pieces[0], skipped)
        return "".join(pieces)


P = TypeVar("P", bound=FoldedPart)


class Fold(Generic[P]):
    """Like ``Folded``, but with a subclass of FoldedPart."""

    def __init__(self, part_type: type[P]) -> None:
        self.position: Position = BEGINNING
        self.parts: dict[PartKey, P] = {}
        self.tokens = 0
        self.stage_tokens: Counter[int] = Counter()  # tokens by stage
        self.stages: dict[int, StageIs] = {}  # only of answers with several stages
        self.attempt = 0
        self.phase = PhaseBegan("queued")
        self.phase_at: Position = BEGINNING
        self.expected = PhaseBegan("starting")  # the last one with an estimate
        self.notices: list[str] = []
        self.ended: Ended | None = None
        self._part_type = part_type
        self._holed: set[PartKey] = set()

    @property
    def texts(self) -> dict[PartKey, str]:
        return {key: part.text_from(0) for key, part in self.parts.items()}

    @property
    def has_hole(self) -> bool:
        """Text of some part is missing. A later record may fill it."""
        return bool(self._holed)

    def fold(self, entries: Iterable[Entry]) -> list[AnyRecord]:
        """Add all entries; return the records as ``add`` does. Raises HoleInLog, after adding all."""
        added = [record for entry in entries for record in self.add(*entry)]
        if self._holed:
            raise HoleInLog
        return added

    def add(self, position: Position, record: AnyRecord) -> list[AnyRecord]:
        """Add a record; return what it changes: without known text, as a restart if it replaces some, or nothing."""
        self.position = position
        match record:
            case Text():
                return self._add_text(position, record)
            case PhaseBegan():
                self.phase, self.phase_at = record, position
                self.expected = record if record.expected_tokens else self.expected
            case Restarted():
                self._restart(record.key, position)
            case Claimed(attempt=attempt):
                self.attempt = attempt
            case Noticed(message=message):
                self.notices.append(message)
            case StageIs(stage=stage):
                self.stages[stage] = record
            case Ended():
                self.ended = record
        return [record]

    def _add_text(self, position: Position, record: Text) -> list[AnyRecord]:
        """A later record wins: if its text differs from the known text, the part is restarted with it."""
        part = self.parts.get(record.key) or self._restart(record.key, BEGINNING)
        self.stage_tokens[record.stage] += record.tokens - self.tokens
        self.tokens = record.tokens
        if record.at > part.length:
            self._holed.add(record.key)
            return []
        self._holed.discard(record.key)
        known = part.text_from(record.at)
        if known and known.startswith(record.text):
            return []
        if record.text.startswith(known):
            added = Text(record.stage, record.kind, part.length, record.text[len(known) :], record.tokens)
            part.append(added.text)
            return [added]
        whole = part.text_from(0)[: -len(known)] + record.text
        self._restart(record.key, position).append(whole)
        return [Restarted(record.stage, record.kind), Text(record.stage, record.kind, 0, whole, record.tokens)]

    def _restart(self, key: PartKey, position: Position) -> P:
        self._holed.discard(key)
        part = self.parts[key] = self._part_type(key, position)
        return part


class Folded(Fold[FoldedPart]):
    """The state that a log's records fold to."""

    def __init__(self) -> None:
        super().__init__(FoldedPart)
