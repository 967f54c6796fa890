"""What comes from model servers for one stage: written into its parts, and noted in its figures."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from conversations.models.message import PartKey, PartKind
from conversations.models.plan import Outcome, PlannedStage
from streaming.log.records import PhaseBegan
from streaming.log.writer import LogHandle
from streaming.protocol import PhaseName
from streaming.vllm.thinking import ThinkSplitter
from streaming.vllm.wire import ChatDelta, Usage

from .certainty import Certainty
from .figures import Figures
from .gaps import Gaps
from .line import Line, Place

ARRIVALS_KEPT = 4096  # of the latest tokens, to count those that came after a stop


class Intake:
    """``begin`` with each request, ``take`` what comes of it, ``finish`` at its end."""

    def __init__(
        self,
        handle: LogHandle,
        stage: PlannedStage,
        announce: Callable[[PhaseBegan], None],
        line: Line,
        earlier: Outcome | None,
    ):
        """``earlier`` is what an earlier attempt noted."""
        self.figures = Figures(model=earlier.model if earlier else "")
        self.certainty = Certainty()
        self.gaps = Gaps()
        self.arrivals: deque[datetime] = deque(maxlen=ARRIVALS_KEPT)  # of the latest tokens
        self.place = Place(line, self._tell_place)
        self.characters = 0  # of the running request's prompt
        self.tokens_before = 0  # of this generation, when the running request began
        self.answered_at: Callable[[], datetime | None] = lambda: None  # first byte of the running request's response
        self._stage = stage
        self._handle = handle
        self._tell_phase = announce
        self._sizes = line.sizes
        self._text = PartKey(stage.number, PartKind.TEXT)
        self._thinking = PartKey(stage.number, PartKind.THINKING)
        self._phase: PhaseName = "starting"
        self._splitter = ThinkSplitter()

    # What is there

    @property
    def begun(self) -> str:
        """The text so far."""
        return self._handle.texts().get(self._text, "")

    def restart_text(self) -> None:
        self._handle.restart(self._text)
        self.certainty = Certainty()

    def restart_thinking(self) -> None:
        """If there is any."""
        if self._handle.texts().get(self._thinking):
            self._handle.restart(self._thinking)

    # A request

    def begin(self) -> None:
        """The text goes on, or begins."""
        self.gaps.begin()
        self._splitter = ThinkSplitter(in_answer=bool(self.begun))

    def take(self, delta: ChatDelta) -> None:
        if delta.text or delta.thinking:
            self._note_arrival(timezone.now())
        if delta.thinking:
            self._write(delta.thinking, "")
        if delta.text:
            thinking, text = self._splitter.feed(delta.text)
            if text:
                self.certainty.take(self._handle.length_of(self._text), text, delta.tokens)
            self._write(thinking, text)
        if delta.finish_reason:
            self.figures.finish_reason = delta.finish_reason
        if delta.usage:
            self._note_usage(delta.usage)
        if delta.server_ms:
            self.figures.server_ms = delta.server_ms

    def finish(self) -> None:
        """All has come: what was held back is written."""
        self._write(*self._splitter.finish())

    def announce(self, phase: PhaseName) -> None:
        if phase != self._phase:
            self._phase = phase
            if phase in ("thinking", "writing"):
                self.place.leave()
            self._tell_phase(PhaseBegan(phase, self.figures.model))

    def _write(self, thinking: str, text: str) -> None:
        pieces: list[tuple[PartKey, str, PhaseName]] = [
            (self._thinking, thinking, "thinking"),
            (self._text, text, "writing"),
        ]
        for key, piece, phase in pieces:
            if piece:
                self.announce(phase)
                self._handle.write(key, piece)

    # Figures

    def _note_arrival(self, now: datetime) -> None:
        """Once for all that came together, or a whole answer would look as if it had been written in microseconds."""
        if not (self.figures.cached or self.figures.along):
            self.gaps.note(time.monotonic())
        self.arrivals.append(now)
        self.figures.last_token_at = now
        if self.figures.first_token_at is None:
            self._note_first(now)

    def _note_first(self, now: datetime) -> None:
        self.figures.first_token_at = now
        answered_at = self.answered_at()
        if answered_at and self.figures.requested_at:  # who reads along may have come later
            self.figures.first_byte_at = max(answered_at, self.figures.requested_at)

    def _note_usage(self, usage: Usage) -> None:
        """The server counted this request alone; tokens of earlier ones are as we counted them."""
        self.figures.prompt_tokens = usage.prompt_tokens or None
        self.figures.cached_tokens = usage.cached_tokens
        if usage.prompt_tokens:
            self._sizes.note(self.figures.model, self.characters, usage.prompt_tokens)
        if usage.completion_tokens is not None:
            self.figures.completion_tokens = self.tokens_before + usage.completion_tokens

    def _tell_place(self, ahead: int | None, reading: int) -> None:
        if self._phase == "waiting":
            self._tell_phase(PhaseBegan("waiting", self.figures.model, ahead, reading))
