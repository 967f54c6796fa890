"""Writes a stage's text into the log, from whichever model server works; handles failover."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from conversations.models.generation.errors import ErrorCode
from conversations.models.generation.plan import PlannedStage, StageResult
from streaming.cache.answers import Answers
from streaming.log.handle import LogHandle
from streaming.log.records import Noticed, PhaseBegan
from streaming.model_servers.pool import Candidate, ModelServers, NoRoom
from streaming.model_servers.vllm.errors import BadReply, ModelServerError, Rejected, Unreachable
from streaming.planning.prompts import Prompt

from .intake import Intake
from .queue_position import WaitingRequests
from .request import ServerRequest, StageContext

logger = logging.getLogger(__name__)

ROUND_DELAYS_S = (0.5, 1.5, 3.0)  # before trying all servers again, if they were unreachable
ROOM_INTERVAL_S = 0.1  # between tries while all servers are at their limit of requests


class Engine:
    """``run`` writes the rest of the stage's text; ``close`` ends it early, from another task."""

    def __init__(
        self,
        servers: ModelServers,
        answers: Answers,
        handle: LogHandle,
        stage: PlannedStage,
        announce: Callable[[PhaseBegan], None],
        waiting: WaitingRequests,
        accepted_at: datetime,
        earlier: StageResult | None = None,
        *,
        streams: bool = True,
    ):
        """``earlier``: an earlier attempt's result."""
        self.intake = Intake(handle, stage, announce, waiting, accepted_at, earlier)
        self._stage = stage
        self._servers = servers
        self._handle = handle
        self._context = StageContext(stage, servers, answers, handle, self.intake)
        self._closed = self._context.closed
        self._request: ServerRequest | None = None  # the latest
        self._streams = streams  # False once a server refused
        self._is_whole_instead = False
        self._was_restarted = False

    async def run(self, prompt: Prompt) -> ErrorCode | None:
        """Returns why it failed; None if the text is complete or ``close`` was called."""
        for delay in (*ROUND_DELAYS_S, None):
            try:
                error = await self._ask_each(prompt)
            finally:
                self.intake.position.leave()
            if error is None or self._closed.is_set():
                return None
            result = self.intake.result
            result.error_detail, result.error_in_short = str(error)[:1000], error.in_short[:200]
            if not isinstance(error, Unreachable) or delay is None:
                return error.code
            await self._pause(delay)
        raise AssertionError("the last round returns")

    async def close(self) -> None:
        """Closes the connection to the model server, which then aborts the request."""
        self._closed.set()
        if self._request is not None:
            await self._request.close()

    async def _ask_each(self, prompt: Prompt) -> ModelServerError | None:
        """Asks one server after the other until one has answered completely. Returns the last one's error if none
        has."""
        failed: list[Candidate] = []
        error: ModelServerError | None = None
        while not self._closed.is_set():
            request: ServerRequest | None = None
            need = (self._stage.tier, self._model, *(candidate.server.key for candidate in failed))
            try:
                self.intake.position.check_turn(need)
                async with self._servers.acquire(failed, self._stage.tier, self._model) as route:
                    request = self._request = ServerRequest(
                        self._context, route, streams=self._streams, is_instead=self._is_whole_instead
                    )
                    await request.run(prompt)
                return None
            except NoRoom:
                self.intake.position.for_room(need)
                await self._pause(ROOM_INTERVAL_S)
            except ModelServerError as why:
                if request is None:  # no server is left
                    return error or why
                logger.warning("generation %s: %s: %s", self._handle.generation_id, request.server.name, why)
                if self._closed.is_set():
                    return None
                self._servers.record_failure(request.server, why)
                if why.permanent:
                    return why
                candidate = replace(request.route, server=request.server)
                if self._can_ask_otherwise(request, why, is_last=not self._has_other([*failed, candidate])):
                    continue
                error = why
                failed.append(candidate)
                self._log_failover(candidate, failed)
        return error

    @property
    def _model(self) -> str:
        """The model that wrote the text so far; empty if there is none."""
        return self.intake.result.model if self.intake.text else ""

    def _can_ask_otherwise(self, request: ServerRequest, error: ModelServerError, *, is_last: bool) -> bool:
        """True if the same server may accept a changed request; changes what the next one asks for."""
        refused = isinstance(error, Rejected) and error.code == ErrorCode.REFUSED
        if refused and request.capabilities.ask_less(str(error)):
            return True
        if refused and self.intake.text and not self._was_restarted:
            # This server does not continue this text.
            self._was_restarted = True
            self.intake.restart()
        elif is_last and self._streams and (refused or isinstance(error, BadReply)):
            self._streams, self._is_whole_instead = False, True
        else:
            return False
        return True

    def _has_other(self, failed: list[Candidate]) -> bool:
        return self._servers.has_other(failed, self._model)

    def _log_failover(self, candidate: Candidate, failed: list[Candidate]) -> None:
        if self._has_other(failed):
            self.intake.result.failovers = (self.intake.result.failovers or 0) + 1
            self._handle.append(Noticed(f"{candidate.server.name} failed. Another model server continues the answer."))

    async def _pause(self, delay: float) -> None:
        self.intake.enter("waiting")
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._closed.wait()
