"""One process's try at a generation: claims it, streams the answer into its log, stores the end.

The order at the end is the promise: all text is in the log, then the database has text and outcome, then the terminal
record is appended. So no reload shows less than a socket did, and whatever a page showed is in the database.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error
from redis.exceptions import RedisError

from conversations import site_time
from conversations.models import Generation, GenerationTiming, Message
from conversations.models.catalog.pipeline import Level
from conversations.models.chat.message import PartKey
from conversations.models.chat.transcript import said_before
from conversations.models.database_errors import REFUSALS, in_short
from conversations.models.generation.errors import ErrorCode
from conversations.models.generation.generation import Status
from conversations.models.generation.partial import Partial, Verdict, save_partials
from conversations.models.generation.plan import Outcome, Outcomes, Plan
from conversations.models.generation.timing import text_bytes
from streaming.cache.answers import Answers
from streaming.coordination.database import in_database, until_taken
from streaming.log import stream_log
from streaming.log.handle import LogHandle
from streaming.log.records import Ended, Folded, HoleInLog, Noticed, PhaseBegan
from streaming.log.stream_log import AttemptLost
from streaming.planning.prompts import Prompt
from streaming.planning.questions.second_opinion import question_to_judge, second_opinion
from streaming.telemetry import correlation, tracing

from .claims import claim, ids_of
from .context import Interruption, WorkerContext
from .stage.runner import StageRunner

logger = logging.getLogger(__name__)

FLUSH_PATIENCE_S = 30.0  # at the end, while Redis is away; then the database alone has the rest


Saved = tuple[dict[PartKey, str], dict[str, object]]  # texts, and figures by field


@dataclass(eq=False)
class Attempt:
    """``run`` is its whole life; ``interrupt`` ends it early, from another task."""

    generation_id: UUID
    tools: WorkerContext
    dispatched_at: datetime | None = None
    interruption: Interruption | None = None
    generation: Generation | None = None
    handle: LogHandle | None = None
    _stages: StageRunner | None = None
    _is_paid: bool = True  # False: the budget does not suffice
    _is_ending: bool = False  # nothing but the terminal record follows
    _committed_at: datetime | None = None  # the database had the end
    _database_bytes: int = 0  # text in all saves
    _offered: Saved = field(default_factory=lambda: ({}, {}))  # to the database, the last time
    _saved: Saved = field(default_factory=lambda: ({}, {}))  # it has this

    async def run(self) -> Status | None:
        """The outcome; None if it is not this attempt's to tell: another process has it, or will take it over."""
        try:
            if not await self._begin():
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
        if why is Interruption.STOP and self.handle is not None and not self._is_ending:
            self.handle.append(PhaseBegan("stopping"))
        if self._stages is not None:
            await self._stages.close()

    # The beginning

    async def _ask_for_level(self) -> Level | None:
        """What the cheapest model makes of the question, if it shall be asked, and answers in time."""
        if not settings.ROUTER_ASKS_MODEL:
            return None
        question = await in_database(question_to_judge, self.generation_id)
        if question is None:
            return None
        return await second_opinion(self.tools.servers, question, settings.ROUTER_PATIENCE_MS / 1000)

    async def _begin(self) -> bool:
        """False if another process has it, or if it cannot be begun now: then the sweeper finds it."""
        try:
            return await self._claim()
        except (Error, RedisError, OSError) as error:
            logger.warning("generation %s is left to the next attempt: %s", self.generation_id, error)
            return False

    async def _claim(self) -> bool:
        begun = site_time.now()
        claimed = await in_database(claim, self.generation_id, self.dispatched_at, await self._ask_for_level())
        if claimed is None:
            return False
        self.generation = generation = claimed.generation
        correlation.add(**ids_of(generation))
        self._is_paid = claimed.is_paid
        self.tools.servers.use(claimed.tiers)
        (self._prompt, stored), records = await asyncio.gather(
            in_database(prompt_and_texts, generation.message),
            stream_log.claim(self.tools.redis, generation.pk, generation.attempt, self.tools.process),
        )
        folded = Folded()
        with suppress(HoleInLog):  # what is in the database fills it
            folded.fold(records)
        self._plan = (generation.stage_plan or Plan(())).as_paid()
        earlier = earlier_outcomes(generation, folded)
        for number, outcome in earlier.items():  # the log may be lost
            folded.stage_tokens[number] = max(folded.stage_tokens[number], outcome.completion_tokens or 0)
        folded.tokens = max(folded.tokens, generation.completion_tokens or 0, folded.stage_tokens.total())
        self.handle = self.tools.writer.open(generation.pk, generation.attempt, folded, len(records))
        self._write_missing(stored)
        self.handle.append(first_phase(generation))
        if claimed.notice:
            self.handle.append(Noticed(claimed.notice))
        answers = Answers(self.tools.reuse, generation.message.conversation.owner_id, generation.fresh)
        self._stages = StageRunner(
            self.tools.servers, answers, self.handle, self._plan, generation.accepted_at, earlier, self.tools.line
        )
        if generation.stop_requested_at is not None:
            await self.interrupt(Interruption.STOP)
        tracing.report_claim(generation, begun)
        logger.info("generation %s begins, attempt %d", generation.pk, generation.attempt)
        return True

    def _write_missing(self, stored: dict[PartKey, str]) -> None:
        """The log lacks what the database has: the answer is continued, or Redis lost the log, or the log's end.

        Nothing that was shown is taken back, if what is stored begins with it.
        """
        assert self.handle is not None
        logged = self.handle.texts()
        for key, text in stored.items():
            there = logged.get(key, "")
            if len(text) <= len(there):
                continue
            if not text.startswith(there):
                self.handle.restart(key)
                there = ""
            self.handle.write(key, text[len(there) :], tokens=0)

    # The middle

    async def _answer(self) -> tuple[Status, ErrorCode | None]:
        """Until the answer is complete or nothing more can be done."""
        assert self._stages is not None and self.generation is not None
        if self.generation.lost_attempts >= settings.MAX_ATTEMPTS:
            return Status.FAILED, ErrorCode.TOO_MANY_ATTEMPTS
        if not self._is_paid and self.interruption is None:
            return Status.FAILED, ErrorCode.BUDGET
        error_code = await self._stages.run(self._prompt) if self.interruption is None else None
        if self.interruption:
            return Status.STOPPED, None
        return (Status.FAILED, error_code) if error_code else (Status.DONE, None)

    # The end

    async def _finish(self, status: Status, error_code: ErrorCode | None) -> Status | None:
        assert self.handle is not None and self.generation is not None
        if self.interruption is Interruption.LOST:
            raise AttemptLost
        if self.interruption is Interruption.HAND_OVER:
            await self._leave()
            return None
        self._is_ending = True
        begun = site_time.now()
        await self._flush()
        if not await self._store_end(status, error_code):
            raise AttemptLost
        # Saved before the terminal record, so that a reload never sees less than the socket did.
        self.handle.append(Ended(status, error_code or ""))
        if await self._flush():
            await self._note_end(site_time.now())
        tracing.report_end(self.generation, status, error_code or "", begun)
        logger.info("generation %s ended: %s %s", self.generation_id, status, error_code or "")
        return status

    async def _leave(self) -> None:
        """Put everything where the next attempt finds it."""
        assert self.generation is not None
        await self._flush()
        await in_database(save_partials, [self.partial()])
        await in_database(self.generation.note, hand_overs=self.generation.hand_overs + 1)

    def partial(self) -> Partial:
        """What is new since the last save, for the database, in case Redis is lost."""
        assert self.handle is not None and self.generation is not None
        texts, figures = self.handle.texts(), self._figures()
        figures["completion_tokens"] = self.handle.tokens
        self._offered = texts, figures
        saved_texts, saved_figures = self._saved
        new = {name: value for name, value in figures.items() if saved_figures.get(name) != value}
        if texts == saved_texts:
            return Partial(self.generation, None, new)
        self._database_bytes += text_bytes(texts)
        return Partial(self.generation, texts, new)

    async def heed(self, verdict: Verdict) -> None:
        """After a save: the database's row tells whether to go on."""
        self._saved = self._offered
        if verdict is Verdict.LOST:
            await self.interrupt(Interruption.LOST)
        elif verdict is Verdict.STOP:
            await self.interrupt(Interruption.STOP)

    async def _flush(self) -> bool:
        """Raises AttemptLost. Gives up waiting when Redis is away for long: then it is False."""
        assert self.handle is not None
        try:
            async with asyncio.timeout(FLUSH_PATIENCE_S):
                await self.handle.flush()
        except TimeoutError:
            logger.error("generation %s: Redis did not take the log's end", self.generation_id)
            return False
        return True

    async def _store_end(self, status: Status, error_code: ErrorCode | None) -> bool:
        """Waits for the database; what it refuses is stored without figures. False if another attempt has it."""
        assert self.handle is not None and self.generation is not None
        texts = self.handle.texts()
        try:
            return await until_taken(self._end_in_database, status, error_code, texts)
        except REFUSALS as error:
            logger.error("generation %s ends without its figures: %s", self.generation_id, in_short(error))
        is_mine = await until_taken(self.generation.finish_plainly, status, texts, error_code or "")
        self._committed_at = site_time.now()
        return is_mine

    def _end_in_database(self, status: Status, error_code: ErrorCode | None, texts: dict[PartKey, str]) -> bool:
        assert self.generation is not None and self._stages is not None
        figures = self._figures(stopped=status is Status.STOPPED) | {"error_code": error_code or ""}
        if status is Status.STOPPED and (stopped_at := self.generation.read_stop()):
            figures["tokens_after_stop"] = sum(arrived > stopped_at for arrived in self._stages.arrivals)
        is_mine = self.generation.finish(status, texts, self._measures(texts), **figures)
        self._committed_at = site_time.now()
        return is_mine

    async def _note_end(self, published_at: datetime) -> None:
        assert self._committed_at is not None
        try:
            await in_database(GenerationTiming.record_end, self.generation_id, self._committed_at, published_at)
        except Error as error:
            logger.warning("when generation %s ended is not noted: %s", self.generation_id, error)

    def _figures(self, *, stopped: bool = False) -> dict[str, Any]:
        """Under the names of Generation's fields."""
        assert self.generation is not None and self._stages is not None
        figures = self._stages.figures(stopped=stopped)
        for name in ("first_requested_at", "first_token_at"):  # an earlier attempt's
            if (moment := getattr(self.generation, name)) is not None:
                figures[name] = moment
        return figures

    def _measures(self, texts: dict[PartKey, str]) -> dict[str, object]:
        """Under the names of GenerationTiming's fields; what is not known is left out."""
        assert self.handle is not None and self._stages is not None
        size = text_bytes(texts)
        known = {
            **self._stages.measures(),
            "first_append_at": self.handle.first_append_at,
            "text_bytes": size,
            "redis_bytes": self.handle.sent_bytes,
            "database_bytes": self._database_bytes + size,
        }
        return {name: value for name, value in known.items() if value is not None}


def first_phase(generation: Generation) -> PhaseBegan:
    return PhaseBegan(
        "starting" if generation.attempt == 1 else "resuming",
        expected_tokens=generation.expected_tokens or 0,
        expected_s=generation.expected_s or 0.0,
    )


def prompt_and_texts(answer: Message) -> tuple[Prompt, dict[PartKey, str]]:
    """What leads to the answer, and what is stored of it."""
    return Prompt.of_path(said_before(answer)), answer.texts()


def earlier_outcomes(generation: Generation, folded: Folded) -> Outcomes:
    """How stages stand: by the database, or by the log, which knows of an end that was not saved any more."""
    logged = {number: Outcome.from_json(stage.outcome) for number, stage in folded.stages.items() if stage.outcome}
    return {**generation.stage_outcomes, **logged}
