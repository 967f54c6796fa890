"""The server's behaviour and faults: always, for the next requests, or for one question."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Literal

import msgspec

DIRECTIVE = re.compile(r"\[\[demo([^\]]*)\]\]")


class Behaviour(msgspec.Struct, frozen=True):
    """Counts are in tokens, times in seconds. None: does not happen."""

    ttft: float = 0.3  # time to first token
    rate: float = 50.0  # tokens per second; 0: as fast as possible
    status: int | None = None  # answer with this HTTP error before the first token
    headers: float = 0.0  # wait this long before the response's headers
    hold_after: int | None = None  # only empty chunks until DELETE /demo/faults
    error_after: int | None = None  # an error inside the stream
    hang_after: int | None = None  # only comments, with the connection open
    drop_after: int | None = None  # the connection breaks
    rubbish_after: int | None = None  # a chunk that is not JSON
    end_after: int | None = None  # the stream ends without a finish reason and without [DONE]
    exit_after: int | None = None  # the process ends
    no_stream: bool = False  # streaming is refused
    continuing: Literal["exact", "repeats", "anew", "refuses"] = "exact"  # reaction to continue_final_message
    probabilities: Literal["all", "top-1", "none"] = "all"  # top-1: only with top_logprobs 1 or more
    no_usage: bool = False  # no token counts
    no_lists: bool = False  # content as a list of parts is refused
    odd_figures: bool = False  # impossible token counts and probabilities
    skip: int = 0  # POST /demo/faults only: so many requests behave as before, later ones like this
    times: int | None = None  # POST /demo/faults only: this many requests, then as before

    @property
    def fault_after(self) -> tuple[int, str] | None:
        """The earliest fault as (tokens, kind); None if there is none."""
        kinds = ("error", "hang", "drop", "rubbish", "end", "exit")
        planned = [(n, kind) for kind in kinds if (n := getattr(self, f"{kind}_after")) is not None]
        return min(planned, default=None)


class Faults:
    """The behaviour of the next requests."""

    def __init__(self, usual: Behaviour):
        self._usual = usual
        self.released = asyncio.Event()  # set to release the requests that are held now
        self._now = usual
        self._left: int | None = None
        self._skipped = 0  # requests that still behave as usual

    def set(self, behaviour: dict[str, object]) -> None:
        """Raises msgspec.ValidationError."""
        self._now = apply(self._usual, behaviour)
        self._left, self._skipped = self._now.times, self._now.skip

    def clear(self) -> None:
        """Restores the usual behaviour; held requests go on."""
        self._reset()
        self.released.set()
        self.released = asyncio.Event()

    def take(self, question: str) -> tuple[Behaviour, str]:
        """Returns one request's behaviour, and its question without the directive. Raises msgspec.ValidationError."""
        behaviour = self._now
        if self._skipped:
            self._skipped -= 1
            behaviour = self._usual
        elif self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self._reset()
        if not (directive := DIRECTIVE.search(question)):
            return behaviour, question
        pairs = (word.partition("=")[::2] for word in directive[1].split())
        changes = {name: value or "true" for name, value in pairs}
        return apply(behaviour, changes), DIRECTIVE.sub("", question).strip()

    def _reset(self) -> None:
        self._now, self._left, self._skipped = self._usual, None, 0


def apply(behaviour: Behaviour, changes: Mapping[str, object]) -> Behaviour:
    """Returns a changed copy; ignores unknown names. Raises msgspec.ValidationError."""
    return msgspec.convert(msgspec.to_builtins(behaviour) | changes, Behaviour, strict=False)
