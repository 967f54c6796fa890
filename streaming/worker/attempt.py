"""One process's try at a generation: claims it, streams the answer into its log, stores the end.

The order at the end is the promise: all text is in the log, then the database has text and outcome, then the terminal
record is appended. So no reload shows less than a socket did, and whatever a page showed is in the database.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from redis.asyncio import Redis
from redis.exceptions import RedisError

from conversations.models import Generation
from conversations.models.errors import ErrorCode
from conversations.models.generation import Status
from conversations.models.message import ANSWER, PartKey, PartKind
from streaming.database import in_database
from streaming.log import stream_log
from streaming.log.records import Ended, Folded, HoleInLog, Noticed, PhaseBegan
from streaming.log.stream_log import AttemptLost
from streaming.log.writer import LogHandle, LogWriter
from streaming.model_servers import ModelServers, Target
from streaming.prompts import Prompt, request_body
from streaming.protocol import PhaseName
from streaming.vllm.client import ChatStream
from streaming.vllm.errors import ModelServerError, Rejected
from streaming.vllm.thinking import ThinkSplitter
from streaming.vllm.wire import ChatDelta, Usage

logger = logging.getLogger(__name__)

THINKING = PartKey(ANSWER.stage, PartKind.THINKING)
FLUSH_PATIENCE_S = 30.0  # at the end, while Redis is away; then the database alone has the rest
STORE_DELAYS_S = (0.1, 0.5, 1.0, 2.0)  # between tries to store the end; the last one again and again


class Interruption(enum.Enum):
    STOP = enum.auto()  # the user's
    HAND_OVER = enum.auto()  # this process ends; another one goes on
    LOST = enum.auto()  # another attempt has it already


@dataclass(frozen=True)
class Tools:
    """What a process shares among its attempts."""

    redis: Redis
    writer: LogWriter
    servers: ModelServers
    process: str


@dataclass
class Figures:
    """What is noted about the attempt, under the names of Generation's fields."""

    model: str = ""
    server: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str = ""
    error_code: str = ""
    error_detail: str = ""
    requested_at: datetime | None = None
    first_token_at: datetime | None = None
    last_token_at: datetime | None = None

    def known(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if value not in (None, "")}


@dataclass(eq=False)
class Attempt:
    """``run`` is its whole life; ``interrupt`` ends it early, from another task."""

    generation_id: UUID
    tools: Tools
    dispatched_at: datetime | None = None
    figures: Figures = field(default_factory=Figures)
    interruption: Interruption | None = None
    generation: Generation | None = None
    handle: LogHandle | None = None
    _stream: ChatStream | None = None

    async def run(self) -> Status | None:
        """The outcome; None if it is not this attempt's to tell: another process has it, or will take it over."""
        try:
            if not await self._claim():
                return None
            try:
                status, error_code = await self._answer()
            except Exception:
                logger.exception("generation %s failed by our own fault", self.generation_id)
                status, error_code = Status.FAILED, ErrorCode.INTERNAL
            return await self._finish(status, error_code)
        except AttemptLost:
            logger.info("generation %s was taken over from this process", self.generation_id)
            return None

    async def interrupt(self, why: Interruption) -> None:
        """The first reason counts, but a lost attempt stays lost."""
        if self.interruption is None or why is Interruption.LOST:
            self.interruption = why
        if self._stream is not None:
            await self._stream.close()

    # The beginning

    async def _claim(self) -> bool:
        claimed = await in_database(claim, self.generation_id, self.dispatched_at)
        if claimed is None:
            return False
        generation, self._prompt, stored = claimed
        self.generation = generation
        records = await stream_log.claim(self.tools.redis, generation.pk, generation.attempt, self.tools.process)
        try:
            folded = Folded().fold(records)
        except HoleInLog:  # what is in the database is written anew
            folded = Folded()
        self.handle = self.tools.writer.open(generation.pk, generation.attempt, folded.texts, folded.tokens)
        self._write_missing(stored)
        self.handle.append(PhaseBegan("starting" if generation.attempt == 1 else "resuming"))
        self.figures.first_token_at = generation.first_token_at
        if generation.stop_requested_at is not None:
            await self.interrupt(Interruption.STOP)
        logger.info("generation %s begins, attempt %d", generation.pk, generation.attempt)
        return True

    def _write_missing(self, stored: dict[PartKey, str]) -> None:
        """The log lacks what the database has: the answer is continued, or Redis lost the log, or the log's end."""
        assert self.handle is not None
        logged = self.handle.texts()
        for key, text in stored.items():
            if len(text) > len(logged.get(key, "")):
                self.handle.restart(key)
                self.handle.write(key, text, tokens=0)

    # The middle

    async def _answer(self) -> tuple[Status, ErrorCode | None]:
        """Stream until the answer is complete or nothing more can be done."""
        assert self.handle is not None and self.generation is not None
        if self.generation.attempt > settings.MAX_ATTEMPTS:
            return Status.FAILED, ErrorCode.TOO_MANY_ATTEMPTS
        tried: list[Target] = []
        while self.interruption is None:
            target = None
            try:
                target = await self.tools.servers.choose(tried)
                await self._stream_from(target)
                break
            except ModelServerError as error:
                if not self._can_go_on(error, target, tried):
                    return self._failed(error)
        return (Status.STOPPED if self.interruption else Status.DONE), None

    async def _stream_from(self, target: Target) -> None:
        """One request; returns at its end or when interrupted. Raises ModelServerError."""
        assert self.handle is not None
        texts = self.handle.texts()
        if ANSWER not in texts and texts.get(THINKING):
            self.handle.restart(THINKING)  # nothing can continue inside its thinking
            texts = {}
        self.figures.model, self.figures.server = target.model, target.server.name
        self.figures.requested_at = timezone.now()
        self.handle.append(PhaseBegan("waiting", target.model))
        body = request_body(self._prompt, target.model, texts)
        request_id = f"{self.generation_id}-{self.handle.attempt}"
        self._stream = ChatStream(self.tools.servers.http, target.server, body, request_id)
        splitter = ThinkSplitter(in_answer=bool(texts.get(ANSWER)))
        async with aclosing(self._stream.deltas()) as deltas:
            async for delta in deltas:
                self._take(delta, splitter)
                if self.interruption:
                    await self._stream.close()
        if self.interruption is None:
            self._write(*splitter.finish())

    def _take(self, delta: ChatDelta, splitter: ThinkSplitter) -> None:
        if delta.thinking:
            self._write(delta.thinking, "")
        if delta.text:
            self._write(*splitter.feed(delta.text))
        if delta.finish_reason:
            self.figures.finish_reason = delta.finish_reason
        if delta.usage:
            self._note_usage(delta.usage)

    def _write(self, thinking: str, text: str) -> None:
        assert self.handle is not None
        pieces: list[tuple[PartKey, str, PhaseName]] = [(THINKING, thinking, "thinking"), (ANSWER, text, "writing")]
        for key, piece, phase in pieces:
            if piece:
                self.figures.last_token_at = timezone.now()
                self.figures.first_token_at = self.figures.first_token_at or self.figures.last_token_at
                self._announce_phase(phase)
                self.handle.write(key, piece)

    _phase: PhaseName = "starting"

    def _announce_phase(self, phase: PhaseName) -> None:
        if phase != self._phase:
            self._phase = phase
            assert self.handle is not None
            self.handle.append(PhaseBegan(phase, self.figures.model))

    def _note_usage(self, usage: Usage) -> None:
        """The server counted this request alone; tokens of earlier attempts are as we counted them."""
        assert self.handle is not None
        self.figures.prompt_tokens = usage.prompt_tokens or None
        if usage.completion_tokens is not None and not self._began_with_tokens:
            self.figures.completion_tokens = usage.completion_tokens

    @property
    def _began_with_tokens(self) -> bool:
        return self.generation is not None and (self.generation.attempt > 1 or self.generation.continues)

    def _can_go_on(self, error: ModelServerError, target: Target | None, tried: list[Target]) -> bool:
        """After a failure: is there another server to try, or the same one without a continuation?"""
        assert self.handle is not None
        if target is None or self.interruption:
            return False
        logger.warning("generation %s: %s: %s", self.generation_id, target.server.name, error)
        continuation_refused = isinstance(error, Rejected) and error.status == 400 and not error.permanent
        if continuation_refused and self.handle.texts().get(ANSWER) and not tried:
            # This server does not continue texts: the stage starts again.
            self.handle.append(Noticed("The answer was interrupted, and is written anew."))
            self.handle.restart(ANSWER)
            tried.append(target)  # once
            return True
        tried.append(target)
        if error.permanent or not self.tools.servers.has_other(tried):
            return False
        self.handle.append(Noticed(f"{target.server.name} failed; another model server goes on."))
        return True

    def _failed(self, error: ModelServerError) -> tuple[Status, ErrorCode | None]:
        if self.interruption:
            return Status.STOPPED, None
        self.figures.error_detail = str(error)[:1000]
        return Status.FAILED, error.code

    # The end

    async def _finish(self, status: Status, error_code: ErrorCode | None) -> Status | None:
        assert self.handle is not None and self.generation is not None
        if self.interruption in (Interruption.HAND_OVER, Interruption.LOST):
            await self._leave()
            return None
        await self._flush()
        self.figures.error_code = error_code or ""
        if self.figures.completion_tokens is None and self.handle.tokens:
            self.figures.completion_tokens = self.handle.tokens
        if not await self._store_end(status):
            raise AttemptLost
        # Saved before the terminal record, so that a reload never sees less than the socket did.
        self.handle.append(Ended(status, error_code or ""))
        await self._flush()
        await self._expire_log()
        logger.info("generation %s ended: %s %s", self.generation_id, status, error_code or "")
        return status

    async def _leave(self) -> None:
        """Put everything where the next attempt finds it."""
        await self._flush()
        await self.save_partial()

    async def save_partial(self) -> None:
        """What there is goes to the database, in case Redis is lost; its row tells whether to go on."""
        assert self.handle is not None and self.generation is not None
        go_on = await in_database(self.generation.save_partial, self.handle.texts(), self.figures.known())
        if go_on is None:
            await self.interrupt(Interruption.LOST)
        elif not go_on:
            await self.interrupt(Interruption.STOP)

    async def _flush(self) -> None:
        """Raises AttemptLost. Gives up waiting when Redis is away for long."""
        assert self.handle is not None
        try:
            async with asyncio.timeout(FLUSH_PATIENCE_S):
                await self.handle.flush()
        except TimeoutError:
            logger.error("generation %s: Redis did not take the log's end", self.generation_id)

    async def _store_end(self, status: Status) -> bool:
        """Tries until the database takes it; False if another attempt has the generation."""
        assert self.handle is not None and self.generation is not None
        tries = 0
        while True:
            try:
                return await in_database(self.generation.finish, status, self.handle.texts(), **self.figures.known())
            except DatabaseError as error:
                logger.warning("generation %s: the database does not take its end: %s", self.generation_id, error)
                await asyncio.sleep(STORE_DELAYS_S[min(tries, len(STORE_DELAYS_S) - 1)])
                tries += 1

    async def _expire_log(self) -> None:
        try:
            await stream_log.expire(self.tools.redis, self.generation_id)
        except (RedisError, OSError) as error:
            logger.warning("log of generation %s stays without an expiry: %s", self.generation_id, error)


def claim(generation_id: UUID, dispatched_at: datetime | None) -> tuple[Generation, Prompt, dict[PartKey, str]] | None:
    """Take the next attempt's number; with the prompt and what is stored of the answer. None if it is not to be had."""
    generation = Generation.objects.select_related("message__conversation").filter(pk=generation_id).first()
    if generation is None or not generation.claim(dispatched_at):
        return None
    return generation, Prompt.for_answer(generation.message), generation.message.texts()
