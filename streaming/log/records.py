"""What stands in a generation's log; fold.py has what it adds up to.

A record is a JSON array whose first item is its tag: short, since every token is one. Lengths count code units.
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
