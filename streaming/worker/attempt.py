"""One process's try at a generation: claims it, streams the answer into its log, stores the end.

The order at the end matters: first all text is in the log, then the database has text and outcome, then the terminal
record is appended. So no reload shows less than a socket did, and whatever a page showed is in the database.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error
from redis.asyncio import Redis
from redis.exceptions import RedisError

from conversations import site_time
from conversations.models import Generation, GenerationTiming
from conversations.models.catalog.pipeline import Level
from conversations.models.chat.message import PartKey
from conversations.models.database_errors import REFUSALS, in_short
from conversations.models.generation.errors import ErrorCode
from conversations.models.generation.generation import Status
from conversations.models.generation.partial import Partial, Verdict, save_partials
from conversations.models.generation.plan import StageResult, StageResults, StageStatus
from conversations.models.generation.timing import text_bytes
from streaming.cache.answers import Answers, Reuse
from streaming.coordination.database import in_database, until_taken
from streaming.log import stream_log
from streaming.log.fold import Folded, HoleInLog
from streaming.log.records import Ended, Noticed, PhaseBegan
from streaming.log.stream_log import AttemptLost, Entry
from streaming.log.writer import LogWriter
from streaming.model_servers.pool import ModelServers
from streaming.planning.questions.second_opinion import question_to_judge, second_opinion
from streaming.telemetry import correlation, tracing

from .claims import ClaimedGeneration, claim, ids_of
from .stage.queue_position import WaitingRequests
from .stage.runner import StageRunner

logger = logging.getLogger(__name__)

# How long the last flush waits for an unreachable Redis. After that, only the database has the rest.
FLUSH_PATIENCE_S = 30.0
# The status of unfinished stages, by the generation's.
UNFINISHED = {Status.STOPPED: StageStatus.STOPPED, Status.FAILED: StageStatus.FAILED}

Saved = tuple[dict[PartKey, str], dict[str, Any]]  # texts and columns


class Interruption(enum.Enum):
    STOP = enum.auto()  # requested by the user
    HAND_OVER = enum.auto()  # this process is shutting down; another one continues
    LOST = enum.auto()  # another attempt has the generation


@dataclass(frozen=True)
class WorkerContext:
    """What all attempts of a process share."""

    redis: Redis
    writer: LogWriter
    servers: ModelServers
    reuse: Reuse
    waiting: WaitingRequests
    process: str


class Attempt:
    """``run`` is the whole attempt; ``interrupt`` ends it early, from another task."""

    def __init__(self, generation_id: UUID, context: WorkerContext, dispatched_at: datetime | None = None):
        self.generation_id = generation_id
        self.interruption: Interruption | None = None
        self.answer: Answer | None = None  # set once claimed
        self._context = context
        self._dispatched_at = dispatched_at

    async def run(self) -> Status | None:
        """Returns the outcome; None if another process has the generation or will take it over."""
        try:
            self.answer = await self._claim()
            if self.answer is None:
                return None
            try:
                status, error_code = await self._write(self.answer)
            except Exception:
                logger.exception("generation %s failed with an internal error", self.generation_id)
                status, error_code = Status.FAILED, ErrorCode.INTERNAL
            return await self._finish(self.answer, status, error_code)
        except AttemptLost:
            logger.info("generation %s was taken over by another process", self.generation_id)
            return None

    async def interrupt(self, why: Interruption) -> None:
        """The first reason counts, except that LOST overrides all others."""
        if self.interruption is None or why is Interruption.LOST:
            self.interruption = why
        if self.answer is not None:
            await self.answer.interrupt(why)

    async def obey(self, verdict: Verdict) -> None:
        """Acts on what a partial save found in the database: continue, stop, or lost."""
        if self.answer is not None:
            self.answer.partial_is_saved()
        if verdict is Verdict.LOST:
            await self.interrupt(Interruption.LOST)
        elif verdict is Verdict.STOP:
            await self.interrupt(Interruption.STOP)

    # The beginning

    async def _claim(self) -> Answer | None:
        """Returns None if another process has the generation, or if it cannot start now: then the sweeper finds it."""
        begun = site_time.now()
        try:
            claimed = await in_database(claim, self.generation_id, self._dispatched_at, await self._ask_for_level())
            if claimed is None:
                return None
            generation = claimed.generation
            correlation.add(**ids_of(generation))
            entries = await stream_log.claim(
                self._context.redis, generation.pk, generation.attempt, self._context.process
            )
        except (Error, RedisError, OSError) as error:
            logger.warning("generation %s is left to the next attempt: %s", self.generation_id, error)
            return None
        answer = Answer(claimed, entries, self._context)
        if generation.stop_requested_at is not None and self.interruption is None:
            self.interruption = Interruption.STOP
        if self.interruption is not None:  # may have come during the claim
            await answer.interrupt(self.interruption)
        tracing.report_claim(generation, begun)
        logger.info("generation %s started, attempt %d", generation.pk, generation.attempt)
        return answer

    async def _ask_for_level(self) -> Level | None:
        """Returns the cheapest model's rating of the question; None if the router asks no model, or it is late."""
        if not settings.ROUTER_ASKS_MODEL:
            return None
        question = await in_database(question_to_judge, self.generation_id)
        if question is None:
            return None
        return await second_opinion(self._context.servers, question, settings.ROUTER_PATIENCE_MS / 1000)

    # The middle

    async def _write(self, answer: Answer) -> tuple[Status, ErrorCode | None]:
        """Writes until the answer is complete, interrupted or failed."""
        if answer.generation.lost_attempts >= settings.MAX_ATTEMPTS:
            return Status.FAILED, ErrorCode.TOO_MANY_ATTEMPTS
        if not answer.claimed.is_paid and self.interruption is None:
            return Status.FAILED, ErrorCode.BUDGET
        error_code = await answer.stages.run(answer.claimed.prompt) if self.interruption is None else None
        if self.interruption:
            return Status.STOPPED, None
        return (Status.FAILED, error_code) if error_code else (Status.DONE, None)

    # The end

    async def _finish(self, answer: Answer, status: Status, error_code: ErrorCode | None) -> Status | None:
        if self.interruption is Interruption.LOST:
            raise AttemptLost
        if self.interruption is Interruption.HAND_OVER:
            await answer.leave()
            return None
        begun = site_time.now()
        answer.is_ending = True
        await answer.flush()
        committed_at = await answer.store_end(status, error_code)
        # Saved before the terminal record, so that a reload never sees less than the socket did.
        answer.handle.append(Ended(status, error_code or ""))
        if await answer.flush():
            await self._record_end(committed_at, site_time.now())
        tracing.report_end(answer.generation, status, error_code or "", begun)
        logger.info("generation %s ended: %s %s", self.generation_id, status, error_code or "")
        return status

    async def _record_end(self, committed_at: datetime, told_at: datetime) -> None:
        try:
            await in_database(GenerationTiming.record_end, self.generation_id, committed_at, told_at)
        except Error as error:
            logger.warning("when generation %s ended is not recorded: %s", self.generation_id, error)


class Answer:
    """An answer that this process has claimed: its log, its stages, and what the database has of it."""

    def __init__(self, claimed: ClaimedGeneration, entries: list[Entry], context: WorkerContext):
        """``entries``: the whole log, including earlier attempts."""
        self.claimed = claimed
        self.generation = generation = claimed.generation
        self.is_ending = False  # only the terminal record follows
        self._database_bytes = 0  # text written by all saves
        self._offered: Saved = {}, {}  # the latest save, perhaps not confirmed
        self._saved: Saved = {}, {}  # the latest confirmed save
        context.servers.use(claimed.tiers)
        folded = Folded()
        with suppress(HoleInLog):  # the database's texts fill it
            folded.fold(entries)
        earlier = earlier_results(generation, folded)
        # The log may be lost, and the token counts with it.
        for number, result in earlier.items():
            folded.stage_tokens[number] = max(folded.stage_tokens[number], result.completion_tokens or 0)
        folded.tokens = max(folded.tokens, generation.completion_tokens or 0, folded.stage_tokens.total())
        self.handle = context.writer.open(generation.pk, generation.attempt, folded, len(entries))
        self._log_missing(claimed.texts)
        self.handle.append(first_phase(generation))
        if claimed.notice:
            self.handle.append(Noticed(claimed.notice))
        answers = Answers(context.reuse, generation.message.conversation.owner_id, generation.fresh)
        self.stages = StageRunner(
            context.servers, answers, self.handle, claimed.plan, generation.accepted_at, earlier, context.waiting
        )

    def _log_missing(self, stored: dict[PartKey, str]) -> None:
        """Appends stored text that the log lacks: a continued answer, or Redis lost the log or its end.

        If the stored text begins with the logged one, nothing shown is taken back; otherwise the part is restarted.
        """
        logged = self.handle.texts()
        for key, text in stored.items():
            there = logged.get(key, "")
            if len(text) <= len(there):
                continue
            if not text.startswith(there):
                self.handle.restart(key)
                there = ""
            self.handle.write(key, text[len(there) :], tokens=0)

    async def interrupt(self, why: Interruption) -> None:
        if why is Interruption.STOP and not self.is_ending:
            self.handle.append(PhaseBegan("stopping"))
        await self.stages.close()

    async def flush(self) -> bool:
        """Returns False if Redis is unreachable for FLUSH_PATIENCE_S. Raises AttemptLost."""
        try:
            async with asyncio.timeout(FLUSH_PATIENCE_S):
                await self.handle.flush()
        except TimeoutError:
            logger.error("generation %s: the terminal record was not appended", self.generation.pk)
            return False
        return True

    # What the database has

    def partial(self) -> Partial:
        """Returns what changed since the last save; the database keeps it in case Redis is lost."""
        texts = self.handle.texts()
        columns = self.stages.columns() | {"completion_tokens": self.handle.tokens}
        self._offered = texts, columns
        saved_texts, saved_columns = self._saved
        new = {name: value for name, value in columns.items() if saved_columns.get(name) != value}
        if texts == saved_texts:
            return Partial(self.generation, None, new)
        self._database_bytes += text_bytes(texts)
        return Partial(self.generation, texts, new)

    def partial_is_saved(self) -> None:
        self._saved = self._offered

    async def leave(self) -> None:
        """Hands over: flushes the log and saves everything for the next attempt."""
        await self.flush()
        await in_database(save_partials, [self.partial()])
        await in_database(self.generation.store, hand_overs=self.generation.hand_overs + 1)

    async def store_end(self, status: Status, error_code: ErrorCode | None) -> datetime:
        """Stores the end and returns when it was committed. Waits while the database is unreachable; if it refuses the
        row, stores it without statistics. Raises AttemptLost."""
        texts = self.handle.texts()
        try:
            is_mine = await until_taken(self._store, status, error_code, texts)
        except REFUSALS as error:
            logger.error("generation %s is stored without its statistics: %s", self.generation.pk, in_short(error))
            is_mine = await until_taken(self.generation.finish_plainly, status, texts, error_code or "")
        if not is_mine:
            raise AttemptLost
        return site_time.now()

    def _store(self, status: Status, error_code: ErrorCode | None, texts: dict[PartKey, str]) -> bool:
        columns = self.stages.columns(UNFINISHED.get(status)) | {"error_code": error_code or ""}
        if status is Status.STOPPED and (stopped_at := self.generation.read_stop()):
            columns["tokens_after_stop"] = sum(arrived > stopped_at for arrived in self.stages.arrivals)
        size = text_bytes(texts)
        timing = {
            **self.stages.timing(),
            "first_append_at": self.handle.first_append_at,
            "text_bytes": size,
            "redis_bytes": self.handle.sent_bytes,
            "database_bytes": self._database_bytes + size,
        }
        known = {name: value for name, value in timing.items() if value is not None}
        return self.generation.finish(status, texts, known, **columns)


def first_phase(generation: Generation) -> PhaseBegan:
    return PhaseBegan(
        "starting" if generation.attempt == 1 else "resuming",
        expected_tokens=generation.expected_tokens or 0,
        expected_s=generation.expected_s or 0.0,
    )


def earlier_results(generation: Generation, folded: Folded) -> StageResults:
    """Returns the stages' results. The log's override the database's: a stage's end may not have been saved."""
    logged = {number: StageResult.from_json(stage.outcome) for number, stage in folded.stages.items() if stage.outcome}
    return {**generation.stage_results, **logged}
