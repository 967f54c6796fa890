"""Gets a stage's text written into the log, from whichever model server works: failover happens here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from conversations.models.errors import ErrorCode
from conversations.models.message import PartKey, PartKind
from conversations.models.plan import Outcome, PlannedStage
from streaming import counters
from streaming.log.records import Noticed, PhaseBegan
from streaming.log.writer import LogHandle
from streaming.model_servers import ModelServers, NoRoom, Offer, Target
from streaming.prompts import Prompt, request_body
from streaming.protocol import PhaseName
from streaming.reuse.answers import Answers, Source
from streaming.vllm.client import WHOLE_ANSWER_TIMEOUT_S, Patience
from streaming.vllm.errors import BadReply, ModelServerError, Rejected, Unreachable
from streaming.vllm.thinking import ThinkSplitter
from streaming.vllm.wire import ChatDelta, Usage

from .certainty import Certainty
from .figures import Figures
from .gaps import Gaps
from .line import Line, Place
from .told import told_request

logger = logging.getLogger(__name__)

ROUND_DELAYS_S = (0.5, 1.5, 3.0)  # before all servers are tried again, if they could not be reached
ROOM_INTERVAL_S = 0.1  # while all servers have as many requests as they may
ARRIVALS_KEPT = 4096  # of the latest tokens, to count those that came after a stop


class Engine:
    """``run`` writes the rest of the stage's text; ``close`` ends it early, from another task."""

    def __init__(
        self,
        servers: ModelServers,
        answers: Answers,
        handle: LogHandle,
        stage: PlannedStage,
        announce: Callable[[PhaseBegan], None],
        line: Line,
        earlier: Outcome | None = None,
        *,
        streams: bool = True,
    ):
        """``earlier`` is what an earlier attempt noted."""
        self.figures = Figures(model=earlier.model if earlier else "")
        self.stage = stage
        self.arrivals: deque[datetime] = deque(maxlen=ARRIVALS_KEPT)  # of the latest tokens
        self._servers = servers
        self._answers = answers
        self._handle = handle
        self._prompt = Prompt(())
        self._tell_phase = announce
        self._sizes = line.sizes
        self._place = Place(line, self._tell_place)
        self._text = PartKey(stage.number, PartKind.TEXT)
        self._thinking = PartKey(stage.number, PartKind.THINKING)
        self._closed = asyncio.Event()
        self._source: Source | None = None  # of the latest request's answer
        self._phase: PhaseName = "starting"
        self._requests = 0
        self._characters = 0  # of the running request's prompt
        self._tokens_before = 0  # of this generation, when the running request began
        self._streams = streams  # until a server refuses to
        self._is_whole_instead = False
        self._tells_logprobs = bool(settings.MEASURE_CONFIDENCE)  # likewise
        self.certainty = Certainty()
        self.gaps = Gaps()
        self._has_begun_anew = False

    async def run(self, prompt: Prompt) -> ErrorCode | None:
        """Why it failed; None if the text is complete, or ``close`` was called."""
        self._prompt = prompt
        for delay in (*ROUND_DELAYS_S, None):
            try:
                error = await self._try_each()
            finally:
                self._place.leave()
            if error is None or self._closed.is_set():
                return None
            self.figures.error_detail, self.figures.error_in_short = str(error)[:1000], error.in_short[:200]
            if not isinstance(error, Unreachable) or delay is None:
                return error.code
            await self._pause(delay)
        raise AssertionError("the last round returns")

    async def close(self) -> None:
        """The upstream connection is closed, on which the server aborts the request."""
        self._closed.set()
        if self._source is not None:
            await self._source.stream.close()

    # One round

    async def _try_each(self) -> ModelServerError | None:
        """Ask one server after the other until one has answered to the end; the last one's error otherwise."""
        tried: list[Offer] = []
        error: ModelServerError | None = None
        while not self._closed.is_set():
            target: Target | None = None
            wish = (self.stage.tier, self._wanted_model, *(offer.server.key for offer in tried))
            try:
                self._place.check_turn(wish)
                async with self._servers.chosen(tried, self.stage.tier, self._wanted_model) as target:
                    await self._stream_from(target)
                return None
            except ModelServerError as why:
                if isinstance(why, NoRoom):
                    self._place.for_room(wish)
                    await self._pause(ROOM_INTERVAL_S)
                    continue
                if target is None:  # none is left
                    return error or why
                target = self._asked(target)
                logger.warning("generation %s: %s: %s", self._handle.generation_id, target.server.name, why)
                if self._closed.is_set():
                    return None
                self._servers.note_failure(target.server, why)
                if why.permanent:
                    return why
                if self._can_ask_otherwise(why, is_last=not self._has_other([*tried, target])):
                    continue
                error = why
                tried.append(target)
                self._tell_failover(target, tried)
        return error

    def _asked(self, chosen: Target) -> Target:
        """Where the request went: to another server, if it was shared."""
        server = self._source.server if self._source else None
        return replace(chosen, server=server) if server else chosen

    @property
    def _wanted_model(self) -> str:
        """Whose text it is; empty as long as there is none."""
        return self.figures.model if self._begun else ""

    @property
    def _begun(self) -> str:
        return self._handle.texts().get(self._text, "")

    def _can_ask_otherwise(self, error: ModelServerError, *, is_last: bool) -> bool:
        """Ask the same server again, for something that it may not refuse."""
        refused = isinstance(error, Rejected) and error.code == ErrorCode.REFUSED
        if refused and "logprob" in str(error).lower() and self._tells_logprobs:
            self._tells_logprobs = False
        elif refused and "stream" in str(error).lower() and self._streams:
            self._stop_streaming()
        elif refused and self._begun and not self._has_begun_anew:
            self._has_begun_anew = True  # this server does not continue texts
            self._handle.append(Noticed("The answer was interrupted, and is written anew."))
            self._handle.restart(self._text)
            self.certainty = Certainty()
        elif is_last and self._streams and (refused or isinstance(error, BadReply)):
            self._stop_streaming()
        else:
            return False
        return True

    def _stop_streaming(self) -> None:
        self._streams, self._is_whole_instead = False, True

    def _has_other(self, tried: list[Offer]) -> bool:
        return self._servers.has_other(tried, self._wanted_model)

    def _tell_failover(self, failed: Target, tried: list[Offer]) -> None:
        if self._has_other(tried):
            self.figures.failovers = (self.figures.failovers or 0) + 1
            self._handle.append(Noticed(f"{failed.server.name} failed; another model server goes on."))

    async def _pause(self, delay: float) -> None:
        self._announce("waiting")
        try:
            async with asyncio.timeout(delay):
                await self._closed.wait()
        except TimeoutError:
            pass

    # One request

    async def _stream_from(self, target: Target) -> None:
        """Returns at its end or when closed. Raises ModelServerError."""
        if self._closed.is_set():
            return
        begun = self._begun
        if not begun and self._handle.texts().get(self._thinking):
            self._handle.restart(self._thinking)  # nothing can continue inside its thinking
        self._tokens_before = self._handle.stage_tokens[self.stage.number]
        limit = self.stage.max_tokens or target.tier.max_tokens
        room = limit - self._tokens_before if begun else limit
        if room <= 0:  # taken over behind its last token
            self.figures.finish_reason = "length"
            return
        self._tell_other_tier(target)
        self.figures.model = target.model
        self.figures.tier = target.tier.slug
        self.figures.requested_at = timezone.now()
        self.figures.first_requested_at = self.figures.first_requested_at or self.figures.requested_at
        self._announce("waiting")
        self._requests += 1
        request_id = f"{self._handle.generation_id}-{self.stage.number}-{self._handle.attempt}-{self._requests}"
        with told_request(self._handle.generation_id, request_id, self):
            source = await self._open(target, self._body(target, begun, room), request_id)
            await self._read(source, ThinkSplitter(in_answer=bool(begun)))
        if self._is_whole_instead:  # told now that it helped
            counters.fell_back(counters.WHOLE)
            self._handle.append(Noticed("The answer could not be streamed; it came as a whole."))

    async def _read(self, source: Source, splitter: ThinkSplitter) -> None:
        self.gaps.begin()
        try:
            async with aclosing(source.stream.deltas()) as deltas:
                async for delta in deltas:
                    if source.server and (delta.text or delta.thinking):
                        self._servers.note_token(source.server)
                    self._take(delta, splitter)
                    if self._closed.is_set():
                        await source.stream.close()
        finally:
            self._place.leave()
            self.figures.upstream_ended_at = timezone.now()
            self.figures.along = source.is_paid_elsewhere and not self._tokens_before
        if not self._closed.is_set():
            self._write(*splitter.finish())

    def _body(self, target: Target, begun: str, max_tokens: int) -> dict[str, Any]:
        streams = self._streams and target.tier.streams
        self.figures.patience = patience_with(target, streams=streams)
        body = request_body(
            self._prompt, self.stage, target, begun, max_tokens, stream=streams, logprobs=self._tells_logprobs
        )
        self._characters = sum(len(message["content"]) for message in body["messages"])
        return body

    async def _open(self, target: Target, body: dict[str, Any], request_id: str) -> Source:
        source = self._source = await self._answers.source(target, body, request_id)
        self.figures.cached, self.figures.along = source.server is None, source.is_shared
        self.figures.server = source.server.key if source.server else ""
        self._place.leave()
        if source.server and not source.is_shared:
            self._place.at(source.server, self._sizes.about(target.model, self._characters))
        if self._closed.is_set():  # while the cache was asked
            await source.stream.close()
        return source

    def _tell_other_tier(self, target: Target) -> None:
        """Once for each: the model that was meant to answer cannot be had."""
        wanted, got = self.stage.tier, target.tier.slug
        if wanted and got != wanted and got != self.figures.tier:
            self._handle.append(
                Noticed(f"{self.stage.tier_name or wanted} is not to be had; {target.tier.name} answers.")
            )
            counters.fell_back(counters.OTHER_TIER)

    def _take(self, delta: ChatDelta, splitter: ThinkSplitter) -> None:
        if delta.text or delta.thinking:
            self._note_arrival(timezone.now())
        if delta.thinking:
            self._write(delta.thinking, "")
        if delta.text:
            thinking, text = splitter.feed(delta.text)
            if text:
                self.certainty.take(self._handle.length_of(self._text), text, delta.tokens)
            self._write(thinking, text)
        if delta.finish_reason:
            self.figures.finish_reason = delta.finish_reason
        if delta.usage:
            self._note_usage(delta.usage)
        if delta.server_ms:
            self.figures.server_ms = delta.server_ms

    def _write(self, thinking: str, text: str) -> None:
        pieces: list[tuple[PartKey, str, PhaseName]] = [
            (self._thinking, thinking, "thinking"),
            (self._text, text, "writing"),
        ]
        for key, piece, phase in pieces:
            if piece:
                self._announce(phase)
                self._handle.write(key, piece)

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
        answered_at = self._source.stream.answered_at if self._source else None
        if answered_at and self.figures.requested_at:  # who reads along may have come later
            self.figures.first_byte_at = max(answered_at, self.figures.requested_at)

    def _announce(self, phase: PhaseName) -> None:
        if phase != self._phase:
            self._phase = phase
            if phase in ("thinking", "writing"):
                self._place.leave()
            self._tell_phase(PhaseBegan(phase, self.figures.model))

    def _tell_place(self, ahead: int | None, reading: int) -> None:
        if self._phase == "waiting":
            self._tell_phase(PhaseBegan("waiting", self.figures.model, ahead, reading))

    def _note_usage(self, usage: Usage) -> None:
        """The server counted this request alone; tokens of earlier ones are as we counted them."""
        self.figures.prompt_tokens = usage.prompt_tokens or None
        self.figures.cached_tokens = usage.cached_tokens
        if usage.prompt_tokens:
            self._sizes.note(self.figures.model, self._characters, usage.prompt_tokens)
        if usage.completion_tokens is not None:
            self.figures.completion_tokens = self._tokens_before + usage.completion_tokens


def patience_with(target: Target, *, streams: bool) -> Patience:
    """As ChatStream has it."""
    first_token_s = target.tier.first_token_timeout_s if streams else WHOLE_ANSWER_TIMEOUT_S
    return Patience(first_token_s, target.tier.silence_timeout_s)
