"""Runs the stages of an answer: those that need nothing begin together, the others when they have what they wait for.

A stage that fails or runs out of time is left out, with a notice; the answer fails only if no stage was completed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from conversations.models.chat.message import PartKey, PartKind
from conversations.models.generation.errors import ErrorCode
from conversations.models.generation.plan import (
    Outcome,
    Outcomes,
    Plan,
    PlannedStage,
    StageStatus,
    outcomes_as_json,
    shown_stage,
)
from streaming.cache.answers import Answers
from streaming.log.handle import LogHandle
from streaming.log.records import Noticed, StageIs
from streaming.model_servers.pool import ModelServers
from streaming.planning.prompts import Draft, Prompt
from streaming.telemetry import counters
from streaming.worker.phases import Phases

from .engine import Engine
from .gaps import gap_figures
from .queue_position import WaitingRequests
from .stats import RequestStats

LEFT_OUT = {
    StageStatus.FAILED: "{label} failed and was skipped.",
    StageStatus.TIMEOUT: "{label} took too long and was skipped.",
}


class StageRunner:
    """``run`` is its whole life; ``close`` ends it early, from another task."""

    def __init__(
        self,
        servers: ModelServers,
        answers: Answers,
        handle: LogHandle,
        plan: Plan,
        accepted_at: datetime,
        earlier: Outcomes,
        line: WaitingRequests,
    ):
        """``earlier``: how stages ended, or stand, by what earlier attempts noted."""
        self.plan = plan
        self.outcomes: Outcomes = {number: outcome for number, outcome in earlier.items() if outcome.is_final}
        self._handle = handle
        self._accepted_at = accepted_at
        self._earlier = earlier
        self._closed = False
        self._phases = Phases(handle)
        self._engines = {
            stage.number: Engine(
                servers,
                answers,
                handle,
                stage,
                partial(self._phases.enter, stage.number),
                line,
                earlier.get(stage.number),
                streams=plan.streams,
            )
            for stage in plan.stages
            if stage.number not in self.outcomes
        }
        self._ended = {stage.number: asyncio.Event() for stage in plan.stages}

    async def run(self, prompt: Prompt) -> ErrorCode | None:
        """Why it failed; None if a stage was completed, or ``close`` was called.

        However it ends, no stage writes any more: one that raises ends the others.
        """
        if self.plan.is_staged:
            for stage in self.plan.stages:
                self._log_phase(stage)
        async with asyncio.TaskGroup() as stages:
            for stage in self.plan.stages:
                stages.create_task(self._run_stage(stage, prompt))
        if self._closed or any(outcome.status == StageStatus.DONE for outcome in self.outcomes.values()):
            return None
        codes = [outcome.error_code for outcome in self.outcomes.values() if outcome.error_code]
        return ErrorCode(codes[-1]) if codes else ErrorCode.INTERNAL

    async def close(self) -> None:
        self._closed = True
        for event in self._ended.values():
            event.set()
        await asyncio.gather(*(engine.close() for engine in self._engines.values()))

    # A stage

    async def _run_stage(self, stage: PlannedStage, prompt: Prompt) -> None:
        before = [earlier for earlier in self.plan.stages if earlier.number < stage.number and stage.waits]
        for earlier in before:
            await self._ended[earlier.number].wait()
        if stage.number not in self.outcomes and not self._closed:
            self._log_phase(stage, StageStatus.RUNNING)
            await self._write(stage, prompt.with_drafts(list(self._drafts(before))))
        self._ended[stage.number].set()

    async def _write(self, stage: PlannedStage, prompt: Prompt) -> None:
        engine = self._engines[stage.number]
        async with asyncio.TaskGroup() as owner:
            name = f"stage {stage.name} of {self._handle.generation_id}"
            writing = owner.create_task(engine.run(prompt), name=name)
            _, unfinished = await asyncio.wait([writing], timeout=stage.timeout_s)
            if unfinished:  # not cancelled: the connection is closed, and the task ends by itself
                await engine.close()
        error = writing.result()
        if self._closed:
            return
        self._phases.leave(stage.number)
        if unfinished:
            self._end(stage, StageStatus.TIMEOUT, ErrorCode.STAGE_TIMEOUT)
        else:
            self._end(stage, StageStatus.FAILED if error else StageStatus.DONE, error)

    def _end(self, stage: PlannedStage, status: StageStatus, error: ErrorCode | None) -> None:
        self.outcomes[stage.number] = replace(self._so_far(stage), status=status, error_code=error or "")
        self._log_phase(stage)
        if self.plan.is_staged and status in LEFT_OUT:
            self._handle.append(Noticed(LEFT_OUT[status].format(label=stage.label)))
            counters.fell_back(counters.STAGE_LEFT_OUT)

    def _log_phase(self, stage: PlannedStage, status: StageStatus = StageStatus.WAITING) -> None:
        if not self.plan.is_staged:
            return
        if outcome := self.outcomes.get(stage.number):
            record = StageIs(stage.number, stage.label, StageStatus(outcome.status), outcome.as_json())
        else:
            record = StageIs(stage.number, stage.label, status)
        self._handle.append(record)

    def _drafts(self, stages: list[PlannedStage]) -> Iterator[Draft]:
        texts = self._handle.texts()
        for stage in stages:
            if text := texts.get(PartKey(stage.number, PartKind.TEXT), "").strip():
                yield Draft(stage.label, text, self.outcomes[stage.number].status == StageStatus.DONE)

    # Figures

    def outcomes_so_far(self, *, stopped: bool = False) -> Outcomes:
        """Of all stages that were begun; ``stopped`` ends those that have not ended, begun or not."""
        standing: Outcomes = {}
        for stage in self.plan.stages:
            if outcome := self.outcomes.get(stage.number):
                standing[stage.number] = outcome
            elif self._engines[stage.number].figures.requested_at or stage.number in self._earlier:
                status = StageStatus.STOPPED if stopped else StageStatus.RUNNING
                standing[stage.number] = replace(self._so_far(stage), status=status)
            elif stopped:
                standing[stage.number] = Outcome(StageStatus.SKIPPED)
        return standing

    def figures(self, *, stopped: bool = False) -> dict[str, object]:
        """Of the whole answer, under the names of Generation's fields; what is not known is left out."""
        standing = self.outcomes_so_far(stopped=stopped)
        every = [engine.figures for engine in self._engines.values()]
        begun = [figures for figures in every if figures.requested_at]
        known: dict[str, object] = {
            "first_requested_at": min((f.first_requested_at for f in begun if f.first_requested_at), default=None),
            "requested_at": min(begun, key=earliest).requested_at if begun else None,
            "first_token_at": min((f.first_token_at for f in begun if f.first_token_at), default=None),
            "last_token_at": max((f.last_token_at for f in begun if f.last_token_at), default=None),
            "upstream_ended_at": max((f.upstream_ended_at for f in begun if f.upstream_ended_at), default=None),
            "failovers": sum(f.failovers or 0 for f in begun) or None,
            "error_detail": next((f.error_detail for f in reversed(every) if f.error_detail), ""),
            "error_in_short": next((f.error_in_short for f in reversed(every) if f.error_in_short), ""),
            "prompt_tokens": total(standing, "prompt_tokens"),
            "completion_tokens": total(standing, "completion_tokens"),
            "outcomes": outcomes_as_json(standing),
            **self._of_shown(standing),
        }
        return {name: value for name, value in known.items() if value not in (None, "", {})}

    def measures(self) -> dict[str, object]:
        """Of the whole answer, under the names of GenerationTiming's fields."""
        begun = [engine for engine in self._engines.values() if engine.figures.first_token_at]
        first = [engine.figures.first_byte_at for engine in begun if engine.figures.first_byte_at]
        return {"first_byte_at": min(first, default=None), **gap_figures(engine.gaps for engine in begun)}

    @property
    def arrivals(self) -> Iterator[datetime]:
        """Of the latest tokens."""
        for engine in self._engines.values():
            yield from engine.arrivals

    def _of_shown(self, standing: Outcomes) -> dict[str, object]:
        texts = self._handle.texts()
        lengths = {key.stage: len(text) for key, text in texts.items() if key.kind == PartKind.TEXT}
        shown = standing.get(shown_stage(lengths, {number: o.status for number, o in standing.items()}))
        return {"model": shown.model, "server": shown.server, "finish_reason": shown.finish_reason} if shown else {}

    def _so_far(self, stage: PlannedStage) -> Outcome:
        """What is known of a stage that has not been noted as ended."""
        figures = self._engines[stage.number].figures
        earlier = self._earlier.get(stage.number, Outcome())
        tokens = figures.completion_tokens
        return Outcome(
            model=figures.model or earlier.model,
            server=figures.server or earlier.server,
            tier=figures.tier or earlier.tier,
            prompt_tokens=figures.prompt_tokens or earlier.prompt_tokens,
            cached_tokens=figures.cached_tokens,
            completion_tokens=self._handle.stage_tokens[stage.number] if tokens is None else tokens,
            finish_reason=figures.finish_reason,
            cached=figures.cached,
            coalesced=figures.coalesced,
            server_ms=figures.server_ms or {},
            first_token_s=earlier.first_token_s or self._seconds(figures.first_token_at),
            ended_s=self._seconds(figures.upstream_ended_at),
            due_s=self._seconds(figures.due_at),
            **self._engines[stage.number].intake.certainty.figures(),
        )

    def _seconds(self, moment: datetime | None) -> float | None:
        return round((moment - self._accepted_at).total_seconds(), 3) if moment else None


def earliest(figures: RequestStats) -> tuple[bool, datetime]:
    """Sorts the stage that wrote first before the others; while none has, the one that was asked first."""
    assert figures.requested_at is not None
    return figures.first_token_at is None, figures.first_token_at or figures.requested_at


def total(outcomes: Mapping[int, Outcome], name: str) -> int | None:
    """None if no stage knows it."""
    known = [value for outcome in outcomes.values() if (value := getattr(outcome, name)) is not None]
    return sum(known) if known else None
