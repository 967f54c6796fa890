"""What stands in a generation's log, and what it folds to.

A record is a JSON array whose first item is its tag: short, since every token is one. Lengths count code units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from conversations.models.chat.message import PartKey, PartKind
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import StageStatus
from streaming.protocol import PhaseName, code_units, units_from


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One entry of the log."""


class Claimed(Record, frozen=True, tag="c"):
    """A new attempt begins; what earlier ones wrote is final. The id's sequence is 0."""

    attempt: int
    process: str


class PhaseBegan(Record, frozen=True, tag="p"):
    """Or more is known of the phase."""

    phase: PhaseName
    model: str = ""
    ahead: int | None = None  # requests that the model server takes up before; None: not known
    reading: int = 0  # tokens, about, that the model server is reading; 0: it is not, as far as is known
    expected_tokens: int = 0  # of the whole answer; with its first phase, 0 otherwise
    expected_s: float = 0.0  # likewise, from accepted to the last token; 0: not known


class Text(Record, frozen=True, tag="t"):
    stage: int
    kind: PartKind
    at: int  # where in the part this text stands: a reader that has some of it takes the rest
    text: str
    tokens: int = 0  # of the whole generation so far

    @property
    def key(self) -> PartKey:
        return PartKey(self.stage, self.kind)


class Restarted(Record, frozen=True, tag="r"):
    """The part is restarted: drop its text."""

    stage: int
    kind: PartKind

    @property
    def key(self) -> PartKey:
        return PartKey(self.stage, self.kind)


class Noticed(Record, frozen=True, tag="n"):
    message: str


class StageIs(Record, frozen=True, tag="s"):
    """Where a stage stands; of answers that have several."""

    stage: int
    label: str
    status: StageStatus
    outcome: dict[str, Any] = {}  # of one that has ended


class Ended(Record, frozen=True, tag="e"):
    """The terminal record: exactly one, the last."""

    status: Status
    error_code: str = ""


class Unknown(Record, frozen=True, tag="?"):
    """What another version wrote, while one takes the other's place: it folds to nothing."""


AnyRecord = Claimed | PhaseBegan | Text | Restarted | Noticed | StageIs | Ended | Unknown

encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


def decode(data: bytes) -> AnyRecord:
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError):
        return Unknown()


class HoleInLog(Exception):
    """Text is missing between what is known of a part and a record, and no later record filled it, or began anew."""


def fit(record: Text, length: int, text_from: Callable[[int], str]) -> list[Text | Restarted] | None:
    """The record as it follows on a part of this length, of which ``text_from`` tells the text: without what is known.

    None if text before it is missing. A later record is right: if it tells another text, the part is begun anew.
    """
    if record.at == length:
        return [record]
    if record.at > length:
        return None
    known = text_from(record.at)
    if record.text.startswith(known):
        return [Text(record.stage, record.kind, length, record.text[len(known) :], record.tokens)]
    if known.startswith(record.text):
        return []
    before = text_from(0)[: -len(known)]
    return [
        Restarted(record.stage, record.kind),
        Text(record.stage, record.kind, 0, before + record.text, record.tokens),
    ]


@dataclass(slots=True)
class Pieces:
    """A part while it is folded."""

    pieces: list[str]
    length: int

    def take(self, record: Text | Restarted) -> None:
        """One that fits."""
        if isinstance(record, Restarted):
            self.pieces, self.length = [], 0
        else:
            self.pieces.append(record.text)
            self.length += code_units(record.text)

    def text_from(self, start: int) -> str:
        return units_from("".join(self.pieces), start)


@dataclass(slots=True)
class Folded:
    """What records add up to."""

    texts: dict[PartKey, str] = field(default_factory=dict)
    tokens: int = 0
    stage_tokens: Counter[int] = field(default_factory=Counter)  # the same, by stage
    stages: dict[int, StageIs] = field(default_factory=dict)
    attempt: int = 0
    ended: Ended | None = None

    def fold(self, records: Iterable[AnyRecord]) -> Folded:
        """Raises HoleInLog: what can be folded is folded nevertheless."""
        self.fit(records)
        return self

    def fit(self, records: Iterable[AnyRecord]) -> list[AnyRecord]:
        """Fold them; they are returned as they follow on what was there (see ``fit``). Raises HoleInLog.

        Joins once per part: linear in the text's length.
        """
        parts = {key: Pieces([text], code_units(text)) for key, text in self.texts.items()}
        holed: set[PartKey] = set()
        fitting: list[AnyRecord] = []
        for record in records:
            if not isinstance(record, Text | Restarted):
                self._fold_state(record)
                fitting.append(record)
                continue
            part = parts.setdefault(record.key, Pieces([], 0))
            if isinstance(record, Text):
                self.stage_tokens[record.stage] += record.tokens - self.tokens
                self.tokens = record.tokens
                news = fit(record, part.length, part.text_from)
            else:
                news = [record]
            (holed.add if news is None else holed.discard)(record.key)
            for one in news or ():
                part.take(one)
                fitting.append(one)
        self.texts = {key: "".join(part.pieces) for key, part in parts.items()}
        if holed:
            raise HoleInLog
        return fitting

    def _fold_state(self, record: AnyRecord) -> None:
        match record:
            case StageIs(stage=stage):
                self.stages[stage] = record
            case Claimed(attempt=attempt):
                self.attempt = attempt
            case Ended():
                self.ended = record
