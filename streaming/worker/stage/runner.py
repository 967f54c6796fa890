"""Runs the stages of an answer: those without dependencies start together, the others when earlier stages have ended.

A stage that fails or runs out of time is left out, with a notice; the answer fails only if no stage was completed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from conversations.models.chat.message import PartKey, PartKind
from conversations.models.generation.errors import ErrorCode
from conversations.models.generation.plan import (
    Plan,
    PlannedStage,
    StageResult,
    StageResults,
    StageStatus,
    generation_columns,
    least,
    shown_stage,
)
from streaming.cache.answers import Answers
from streaming.log.handle import LogHandle
from streaming.log.records import Noticed, PhaseBegan, StageIs
from streaming.model_servers.pool import ModelServers
from streaming.planning.prompts import Draft, Prompt
from streaming.telemetry import counters

from .engine import Engine
from .queue_position import WaitingRequests
from .stats import gap_stats

LEFT_OUT = {
    StageStatus.FAILED: "{label} failed and was skipped.",
    StageStatus.TIMEOUT: "{label} took too long and was skipped.",
}


class StageRunner:
    """``run`` runs all stages; ``close`` ends it early, from another task."""

    def __init__(
        self,
        servers: ModelServers,
        answers: Answers,
        handle: LogHandle,
        plan: Plan,
        accepted_at: datetime,
        earlier: StageResults,
        waiting: WaitingRequests,
    ):
        """``earlier``: the stages' results from earlier attempts, final or not."""
        self.plan = plan
        self.results: StageResults = {number: result for number, result in earlier.items() if result.is_final}
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
                waiting,
                accepted_at,
                earlier.get(stage.number),
                streams=plan.streams,
            )
            for stage in plan.stages
            if stage.number not in self.results
        }
        self._ended = {stage.number: asyncio.Event() for stage in plan.stages}

    async def run(self, prompt: Prompt) -> ErrorCode | None:
        """Returns why it failed; None if a stage was completed or ``close`` was called.

        No stage writes after it has returned or raised: a stage that raises ends the others.
        """
        if self.plan.is_staged:
            for stage in self.plan.stages:
                self._log_phase(stage)
        async with asyncio.TaskGroup() as stages:
            for stage in self.plan.stages:
                stages.create_task(self._run_stage(stage, prompt))
        if self._closed or any(result.status == StageStatus.DONE for result in self.results.values()):
            return None
        codes = [result.error_code for result in self.results.values() if result.error_code]
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
        if stage.number not in self.results and not self._closed:
            self._log_phase(stage, StageStatus.RUNNING)
            await self._write(stage, prompt.with_drafts(list(self._drafts(before))))
        self._ended[stage.number].set()

    async def _write(self, stage: PlannedStage, prompt: Prompt) -> None:
        engine = self._engines[stage.number]
        async with asyncio.TaskGroup() as owner:
            name = f"stage {stage.name} of {self._handle.generation_id}"
            writing = owner.create_task(engine.run(prompt), name=name)
            _, unfinished = await asyncio.wait([writing], timeout=stage.timeout_s)
            if unfinished:  # not cancelled: closing the connection lets the task end by itself
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
        self.results[stage.number] = self._engines[stage.number].intake.snapshot(
            status=status, error_code=error or "", due_s=None
        )
        self._log_phase(stage)
        if self.plan.is_staged and status in LEFT_OUT:
            self._handle.append(Noticed(LEFT_OUT[status].format(label=stage.label)))
            counters.fell_back(counters.STAGE_LEFT_OUT)

    def _log_phase(self, stage: PlannedStage, status: StageStatus = StageStatus.WAITING) -> None:
        if not self.plan.is_staged:
            return
        if result := self.results.get(stage.number):
            record = StageIs(stage.number, stage.label, StageStatus(result.status), result.as_json())
        else:
            record = StageIs(stage.number, stage.label, status)
        self._handle.append(record)

    def _drafts(self, stages: list[PlannedStage]) -> Iterator[Draft]:
        texts = self._handle.texts()
        for stage in stages:
            if text := texts.get(PartKey(stage.number, PartKind.TEXT), "").strip():
                yield Draft(stage.label, text, self.results[stage.number].status == StageStatus.DONE)

    # Results of all stages

    def results_so_far(self, unfinished: StageStatus | None = None) -> StageResults:
        """Returns the results of all stages that have started. With ``unfinished``, that is the status of those that
        have not ended, and stages that never started are SKIPPED."""
        found: StageResults = {}
        for stage in self.plan.stages:
            if result := self.results.get(stage.number):
                found[stage.number] = result
                continue
            intake = self._engines[stage.number].intake
            if intake.result.requested_s is not None or stage.number in self._earlier:
                found[stage.number] = intake.snapshot(status=unfinished or StageStatus.RUNNING)
            elif unfinished:
                found[stage.number] = StageResult(StageStatus.SKIPPED)
        return found

    def columns(self, unfinished: StageStatus | None = None) -> dict[str, Any]:
        """Returns the answer's values by Generation's fields; unknown ones are left out."""
        results = self.results_so_far(unfinished)
        texts = self._handle.texts()
        lengths = {key.stage: len(text) for key, text in texts.items() if key.kind == PartKind.TEXT}
        shown = shown_stage(lengths, {number: result.status for number, result in results.items()})
        return generation_columns(results, shown, self._accepted_at)

    def timing(self) -> dict[str, Any]:
        """Returns the answer's values by GenerationTiming's fields; unknown ones are left out."""
        first_byte_s = least(self.results_so_far().values(), "first_byte_s")
        gaps = gap_stats(engine.intake.gaps for engine in self._engines.values())
        if first_byte_s is None:
            return {**gaps}
        return {"first_byte_at": self._accepted_at + timedelta(seconds=first_byte_s), **gaps}

    @property
    def arrivals(self) -> Iterator[datetime]:
        """Arrival times of each stage's latest tokens."""
        for engine in self._engines.values():
            yield from engine.intake.arrivals


class Phases:
    """Logs the phase of the stage whose text is shown: the last one writing, or else the first one running."""

    def __init__(self, handle: LogHandle):
        self._handle = handle
        self._running: dict[int, PhaseBegan] = {}  # by stage
        self._logged: PhaseBegan | None = None

    def enter(self, stage: int, began: PhaseBegan) -> None:
        self._running[stage] = began
        self._log()

    def leave(self, stage: int) -> None:
        self._running.pop(stage, None)
        self._log()

    def _log(self) -> None:
        if not self._running:
            return
        writing = [stage for stage, began in self._running.items() if began.phase == "writing"]
        phase = self._running[max(writing, default=min(self._running))]
        if phase != self._logged:
            self._logged = phase
            self._handle.append(phase)
