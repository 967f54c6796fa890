"""Takes a stage's replies from model servers: writes them into the stage's parts, measures them in its result."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings

from conversations import site_time
from conversations.models.chat.folding import UNSEEN
from conversations.models.chat.message import PartKey, PartKind
from conversations.models.generation.plan import PlannedStage, StageResult
from streaming.log.handle import LogHandle
from streaming.log.records import Noticed, PhaseBegan
from streaming.model_servers.capabilities import Continuing
from streaming.model_servers.vllm.errors import missing_answer
from streaming.model_servers.vllm.thinking import ThinkSplitter
from streaming.model_servers.vllm.wire import TOO_LONG, ChatDelta, LikelyToken, Usage
from streaming.protocol import PhaseName

from .continuation import Continuation
from .queue_position import RequestPosition, WaitingRequests
from .stats import ConfidenceTracker, Gaps

ARRIVALS_KEPT = 4096  # latest tokens, to count those that arrived after a stop


class Intake:
    """``begin`` each request, ``take`` its deltas, ``finish`` at its end."""

    def __init__(
        self,
        handle: LogHandle,
        stage: PlannedStage,
        announce: Callable[[PhaseBegan], None],
        waiting: WaitingRequests,
        accepted_at: datetime,
        earlier: StageResult | None,
    ):
        """``earlier``: an earlier attempt's result."""
        self.result = earlier.resumed() if earlier else StageResult()
        self.confidence = ConfidenceTracker.of(earlier) if earlier else ConfidenceTracker()
        self.gaps = Gaps()
        self.arrivals: deque[datetime] = deque(maxlen=ARRIVALS_KEPT)
        self.position = RequestPosition(waiting, self._report_position)
        self.characters = 0  # in the current request's prompt
        self.tokens_before = 0  # of this stage, when the current request began
        self.answered_at: Callable[[], datetime | None] = lambda: None  # first byte of the current request's response
        self.first_arrival: datetime | None = None  # of the current request
        self.silence_s = 0.0  # after which the request is given up
        self._accepted_at = accepted_at
        self._handle = handle
        self._announce = announce
        self._sizes = waiting.sizes
        self._text = PartKey(stage.number, PartKind.TEXT)
        self._thinking = PartKey(stage.number, PartKind.THINKING)
        self._phase: PhaseName = "starting"
        self._is_measured = True  # False: the text is reused, not written by a model now
        self.pieces = 0  # of text or thinking, from the current request
        self.had_probabilities = self.had_usage = False  # in the current request
        self._splitter = ThinkSplitter()
        self._continuation: Continuation | None = None  # None once it is certain what is new
        self._held_thinking: list[str] = []
        self._begun_with = ""  # the text when the current request began
        self._break_offs: list[str] = []  # the text after each response that had no end mark

    def snapshot(self, **fields: Any) -> StageResult:
        """Returns the current result with these fields changed."""
        tokens = self.result.completion_tokens
        counted = self._handle.stage_tokens[self._text.stage] if tokens is None else tokens
        return replace(self.result, completion_tokens=counted, **self.confidence.fields(), **fields)

    def seconds(self, moment: datetime) -> float:
        """Seconds since the question was accepted."""
        return round((moment - self._accepted_at).total_seconds(), 6)

    def prompt_tokens(self, model: str) -> int:
        """Estimate for the current request."""
        return self._sizes.about(model, self.characters)

    # The text so far

    @property
    def text(self) -> str:
        return self._handle.texts().get(self._text, "")

    def restart_text(self) -> None:
        """Does nothing without text. Drops its confidence, also that of earlier attempts: the new text has its own."""
        self.confidence = ConfidenceTracker()
        if self.text:
            self._handle.restart(self._text)

    def restart_thinking(self) -> None:
        """Does nothing without thinking."""
        if self._handle.texts().get(self._thinking):
            self._handle.restart(self._thinking)

    def is_full(self, room: int) -> bool:
        """True if no request is needed any more; records the finish reason then. ``room``: tokens left."""
        if len(self.text) >= settings.VLLM_ANSWER_MAX_CHARACTERS:
            self.result.finish_reason = TOO_LONG
        elif room <= 0:  # taken over after its last token
            self.result.finish_reason = "length"
        else:
            return False
        return True

    def restart(self) -> None:
        """Drops text and thinking, with a notice: no server can continue them."""
        self._handle.append(Noticed("The answer was interrupted and restarted."))
        self.restart_text()
        self.restart_thinking()

    # A request

    def begin(self) -> None:
        self.gaps.begin()
        self._is_measured = not self.result.is_reused
        self.first_arrival = None
        self.pieces, self.had_probabilities, self.had_usage = 0, False, False
        self._begun_with = self.text
        self._splitter = ThinkSplitter(self.text, is_told=bool(self._handle.texts().get(self._thinking)))
        self._continuation, self._held_thinking = None, []

    def go_on(self, server: Continuing) -> None:
        """Compares what the request brings with the text so far. See Continuation."""
        self._continuation = Continuation(self.text, server)

    def take(self, delta: ChatDelta) -> None:
        if delta.text or delta.thinking:
            self.pieces += 1
            self._record_arrival(site_time.now())
        if delta.thinking:
            self._splitter.trust()
        if delta.tokens:
            self.had_probabilities = self.had_probabilities or any(one.logprob is not None for one in delta.tokens)
        if self._continuation:
            self._go_on(self._continuation, delta)
        else:
            self._write(delta.thinking, "")
            self._write_text(delta.text, delta.tokens)
        if delta.finish_reason:
            self.result.finish_reason = delta.finish_reason
        if delta.usage:
            self.had_usage = True
            self._record_usage(delta.usage)
        if delta.server_ms:
            self.result.server_ms = delta.server_ms

    @property
    def is_lost(self) -> bool:
        """True if the reply cannot be joined to the text so far; none of it was written."""
        return self._continuation is not None and self._continuation.is_lost

    def finish(self) -> None:
        """Writes what was held back. Raises NoAnswer."""
        if self._continuation:
            text = self._continuation.finish()
            self._settle(self._continuation)
            self._write_text(text, ())
        self._write(*self._splitter.finish())
        if self.result.finish_reason == TOO_LONG and self.text:
            self._handle.append(Noticed("The answer was cut off at this site's length limit."))
        if missing := missing_answer(self.result.finish_reason, has_text=bool(UNSEEN.sub("", self.text).strip())):
            raise missing

    def may_end_here(self, *, marks_ends: bool | None) -> bool:
        """True if a response without an end mark may be complete. A connection broken behind a proxy looks like this,
        and so do all answers of some servers.

        ``marks_ends`` None: unknown for this server. It is asked again, and the answer counts as complete if the
        server adds nothing or repeats the same text; without any known mark, also if it ends like this again.
        """
        if self._continuation and self._continuation.is_inside:
            return False
        self._break_offs.append(self.text)
        is_same = self.text == self._begun_with or self.text in self._break_offs[:-1]
        does_it_again = marks_ends is None and len(self._break_offs) > 1
        return bool(self.text) and (marks_ends is False or is_same or does_it_again)

    def _go_on(self, continuation: Continuation, delta: ChatDelta) -> None:
        """Writes what is new once that is certain. Until then, thinking is held back as well."""
        self._held_thinking.append(delta.thinking)
        text = continuation.feed(delta.text) if delta.text else ""
        if continuation.is_certain:
            self._settle(continuation)
            tokens = ending(delta.tokens, text)
            length = sum(len(token.token) for token in tokens)
            self._write_text(text[: len(text) - length], ())
            self._write_text(text[len(text) - length :], tokens)

    def _settle(self, continuation: Continuation) -> None:
        if continuation.began_anew:
            self.restart()
            self._splitter = ThinkSplitter()
        if continuation.began_anew or not continuation.restates:
            self._write("".join(self._held_thinking), "")
        self._continuation, self._held_thinking = None, []

    def _write_text(self, text: str, tokens: tuple[LikelyToken, ...]) -> None:
        if text:
            thinking, answer = self._splitter.feed(text)
            if self._splitter.was_thinking:
                self._move_to_thinking()
            if answer:
                self.confidence.take(self._handle.length_of(self._text), answer, tokens)
            self._write(thinking, answer)

    def _move_to_thinking(self) -> None:
        """Moves what was written as the answer, once: it was thinking that the chat template had opened."""
        self._splitter.was_thinking = False
        if mistaken := self.text:
            self.restart_text()
            self._handle.write(self._thinking, mistaken, tokens=0)

    def enter(self, phase: PhaseName) -> None:
        if phase != self._phase:
            self._phase = phase
            if phase in ("thinking", "writing"):
                self.position.leave()
            self._announce(PhaseBegan(phase, self.result.model))

    def _write(self, thinking: str, text: str) -> None:
        pieces: list[tuple[PartKey, str, PhaseName]] = [
            (self._thinking, thinking, "thinking"),
            (self._text, text, "writing"),
        ]
        for key, piece, phase in pieces:
            if piece:
                self.enter(phase)
                self._handle.write(key, piece)

    # What is measured

    def _record_arrival(self, now: datetime) -> None:
        """Called once per delta: otherwise an answer that arrived whole would seem to be written in microseconds."""
        if self._is_measured:
            self.gaps.record(time.monotonic())
        self.arrivals.append(now)
        self.result.last_token_s = at = self.seconds(now)
        self.result.due_s = at + self.silence_s
        if self.first_arrival is None:
            self._record_first(now)

    def _record_first(self, now: datetime) -> None:
        self.first_arrival = now
        if self.result.first_token_s is not None:
            return
        self.result.first_token_s = self.seconds(now)
        answered_at = self.answered_at()
        # A coalesced request may have been answered before this generation joined it.
        if answered_at and self.result.requested_s is not None:
            self.result.first_byte_s = max(self.seconds(answered_at), self.result.requested_s)

    def _record_usage(self, usage: Usage) -> None:
        """The server counted only this request; the tokens of earlier ones are our own count."""
        self.result.prompt_tokens = usage.prompt_tokens or None
        self.result.cached_tokens = usage.cached_tokens
        if usage.prompt_tokens:
            self._sizes.record(self.result.model, self.characters, usage.prompt_tokens)
        if usage.completion_tokens is not None:
            self.result.completion_tokens = self.tokens_before + usage.completion_tokens

    def _report_position(self, ahead: int | None, reading: int) -> None:
        if self._phase == "waiting":
            self._announce(PhaseBegan("waiting", self.result.model, ahead, reading))


def ending(tokens: tuple[LikelyToken, ...], text: str) -> tuple[LikelyToken, ...]:
    """Returns the last of ``tokens`` that make up the end of ``text``; none if the text does not end with them."""
    length = 0
    for number, token in enumerate(reversed(tokens)):
        length += len(token.token)
        if length > len(text):
            return ending(tokens[len(tokens) - number :], text)
    said = "".join(token.token for token in tokens)
    return tokens if text.endswith(said) else ()
