"""What stands in a generation's log, and what it folds to.

A record is a JSON array whose first item is its tag: short, since every token is one. Lengths count code units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from conversations.models.generation import Status
from conversations.models.message import PartKey, PartKind
from conversations.models.plan import StageStatus
from streaming.protocol import PhaseName, code_units


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
    at: int  # length of the part before this text: a reader that disagrees has a hole
    text: str
    tokens: int = 0  # of the whole generation so far

    @property
    def key(self) -> PartKey:
        return PartKey(self.stage, self.kind)


class Restarted(Record, frozen=True, tag="r"):
    """The part is written anew: what was there is dropped."""

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


AnyRecord = Claimed | PhaseBegan | Text | Restarted | Noticed | StageIs | Ended

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(AnyRecord).decode


class HoleInLog(Exception):
    """A text record does not begin where the part ends: records are missing, and the part was not begun anew since."""


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
        """Raises HoleInLog. Joins once per part: linear in the text's length."""
        pieces: dict[PartKey, list[str]] = {key: [text] for key, text in self.texts.items()}
        lengths = {key: code_units(text) for key, text in self.texts.items()}
        holed: set[PartKey] = set()
        for record in records:
            match record:
                case Text(at=at, text=text, tokens=tokens):
                    if at != lengths.get(record.key, 0):
                        holed.add(record.key)
                    pieces.setdefault(record.key, []).append(text)
                    lengths[record.key] = at + code_units(text)
                    self.stage_tokens[record.stage] += tokens - self.tokens
                    self.tokens = tokens
                case Restarted():
                    pieces[record.key], lengths[record.key] = [], 0
                    holed.discard(record.key)
                case _:
                    self._fold_state(record)
        if holed:
            raise HoleInLog
        self.texts = {key: "".join(several) for key, several in pieces.items()}
        return self

    def _fold_state(self, record: AnyRecord) -> None:
        match record:
            case StageIs(stage=stage):
                self.stages[stage] = record
            case Claimed(attempt=attempt):
                self.attempt = attempt
            case Ended():
                self.ended = record
