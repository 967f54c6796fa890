"""The records of a generation's log; fold.py folds them.

A record is a JSON array whose first item is its tag: short, since every token is a record. Lengths count UTF-16 code
units.
"""

from __future__ import annotations

from typing import Any

import msgspec

from conversations.models.chat.message import PartKey, PartKind
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import StageStatus
from streaming.protocol import PhaseName


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One entry of the log."""


class Claimed(Record, frozen=True, tag="c"):
    """A new attempt begins; what earlier attempts wrote is final. The entry's sequence is 0."""

    attempt: int
    process: str


class PhaseBegan(Record, frozen=True, tag="p"):
    """A phase began, or more is known about the current one."""

    phase: PhaseName
    model: str = ""
    ahead: int | None = None  # requests before this one at the model server; None: unknown
    reading: int = 0  # approximate tokens that the model server is reading; 0: none, or unknown
    expected_tokens: int = 0  # of the whole answer; only with its first phase, otherwise 0
    expected_s: float = 0.0  # likewise, from acceptance to the last token; 0: unknown


class Text(Record, frozen=True, tag="t"):
    stage: int
    kind: PartKind
    at: int  # offset in the part; a reader that has some of the text takes the rest
    text: str
    tokens: int = 0  # of the whole generation so far

    @property
    def key(self) -> PartKey:
        return PartKey(self.stage, self.kind)


class Restarted(Record, frozen=True, tag="r"):
    """The part is restarted: readers drop its text."""

    stage: int
    kind: PartKind

    @property
    def key(self) -> PartKey:
        return PartKey(self.stage, self.kind)


class Noticed(Record, frozen=True, tag="n"):
    message: str


class StageIs(Record, frozen=True, tag="s"):
    """The state of a stage; only in answers with several stages."""

    stage: int
    label: str
    status: StageStatus
    outcome: dict[str, Any] = {}  # once the stage has ended


class Ended(Record, frozen=True, tag="e"):
    """The terminal record: exactly one per log, and the last."""

    status: Status
    error_code: str = ""


class Unknown(Record, frozen=True, tag="?"):
    """Written by another version during a rolling deployment; folds to nothing."""


AnyRecord = Claimed | PhaseBegan | Text | Restarted | Noticed | StageIs | Ended | Unknown

encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


def decode(data: bytes) -> AnyRecord:
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError):
        return Unknown()
