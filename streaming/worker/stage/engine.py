"""Gets a stage's text written into the log, from whichever model server works: failover happens here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

from conversations import site_time
from conversations.models.generation.errors import ErrorCode
from conversations.models.generation.plan import Outcome, PlannedStage
from streaming.cache.answers import Answers, Source
from streaming.log.handle import LogHandle
from streaming.log.records import Noticed, PhaseBegan
from streaming.model_servers.capabilities import Continuing
from streaming.model_servers.pool import Candidate, ModelServers, NoRoom, Route
from streaming.model_servers.trial import Finding
from streaming.model_servers.vllm.errors import BadReply, BrokeOff, ModelServerError, Rejected, Unreachable
from streaming.planning.prompts import Prompt
from streaming.telemetry import counters

from .intake import Intake
from .learned import Abilities, Refused
from .queue_position import WaitingRequests
from .report import request_spans

logger = logging.getLogger(__name__)

ROUND_DELAYS_S = (0.5, 1.5, 3.0)  # before all servers are tried again, if they could not be reached
ROOM_INTERVAL_S = 0.1  # while all servers have as many requests as they may


class Engine:
    """``run`` writes the rest of the stage's text; ``close`` ends it early, from another task."""

    def __init__(
        self,
        servers: ModelServers,
        answers: Answers,
        handle: LogHandle,
        stage: PlannedStage,
        announce: Callable[[PhaseBegan], None],
        line: WaitingRequests,
        earlier: Outcome | None = None,
        *,
        streams: bool = True,
    ):
        """``earlier`` is what an earlier attempt noted."""
        self.stage = stage
        self.intake = Intake(handle, stage, announce, line, earlier)
        self.figures = self.intake.figures
        self.gaps = self.intake.gaps
        self.arrivals = self.intake.arrivals
        self._servers = servers
        self._answers = answers
        self._handle = handle
        self._prompt = Prompt(())
        self._sizes = line.sizes
        self._place = self.intake.place
        self._closed = asyncio.Event()
        self._source: Source | None = None  # of the latest request's answer
        self._requests = 0
        self._streams = streams  # until a server refuses to
        self._is_whole_instead = False
        self._abilities: Abilities | None = None  # of the server that is asked
        self._refused: Refused = {}
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
        tried: list[Candidate] = []
        error: ModelServerError | None = None
        while not self._closed.is_set():
            target: Route | None = None
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
                target = self._route_of_request(target)
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
                self._log_failover(target, tried)
        return error

    def _route_of_request(self, chosen: Route) -> Route:
        """Where the request went: to another server, if it was shared."""
        server = self._source.server if self._source else None
        return replace(chosen, server=server) if server else chosen

    @property
    def _wanted_model(self) -> str:
        """Whose text it is; empty as long as there is none."""
        return self.figures.model if self.intake.begun else ""

    def _can_ask_otherwise(self, error: ModelServerError, *, is_last: bool) -> bool:
        """Ask the same server again, for something that it may not refuse."""
        refused = isinstance(error, Rejected) and error.code == ErrorCode.REFUSED
        if refused and self._abilities and self._abilities.ask_less(str(error)):
            return True
        if refused and self.intake.begun and not self._has_begun_anew:
            self._has_begun_anew = True  # this server does not continue this text
            self.intake.begin_anew()
        elif is_last and self._streams and (refused or isinstance(error, BadReply)):
            self._streams, self._is_whole_instead = False, True
        else:
            return False
        return True

    def _has_other(self, tried: list[Candidate]) -> bool:
        return self._servers.has_other(tried, self._wanted_model)

    def _log_failover(self, failed: Route, tried: list[Candidate]) -> None:
        if self._has_other(tried):
            self.figures.failovers = (self.figures.failovers or 0) + 1
            self._handle.append(Noticed(f"{failed.server.name} failed. Another model server continues the answer."))

    async def _pause(self, delay: float) -> None:
        self.intake.announce("waiting")
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._closed.wait()

    # One request

    async def _stream_from(self, target: Route) -> None:
        """Returns at its end or when closed. Raises ModelServerError."""
        if self._closed.is_set():
            return
        streams = self._streams and target.tier.streams
        abilities = self._abilities = Abilities(self._servers, target, self._refused, streams=streams)
        finding = await self._how_it_goes_on(abilities)
        begun = self.intake.begun
        if not begun:
            self.intake.restart_thinking()  # nothing can continue inside it
        before = self.intake.tokens_before = self._handle.stage_tokens[self.stage.number]
        limit = self.stage.max_tokens or target.tier.max_tokens
        room = limit - before if begun else limit
        if self.intake.is_full(room):
            return
        self._note_request(target)
        self.figures.patience = abilities.patience
        request_id = f"{self._handle.generation_id}-{self.stage.number}-{self._handle.attempt}-{self._requests}"
        with request_spans(self._handle.generation_id, request_id, self):
            try:
                body = abilities.body(self._prompt, self.stage, begun, room)
                source = await self._open(target, body, request_id)
                goes_on = await self._read(source, abilities, finding)
            except Rejected:
                goes_on = finding is None or await abilities.found(finding, self._closed) is not Continuing.REFUSES
                if goes_on:
                    raise
        if not goes_on:
            self.intake.begin_anew()
            await self._stream_from(target)
        elif not self._closed.is_set():
            abilities.learn(source, self.intake)
            self._log_restart(abilities)

    def _note_request(self, target: Route) -> None:
        self._log_other_tier(target)
        self.figures.model = target.model
        self.figures.tier = target.tier.slug
        self.figures.requested_at = site_time.now()
        self.figures.first_requested_at = self.figures.first_requested_at or self.figures.requested_at
        self.intake.announce("waiting")
        self._requests += 1

    async def _how_it_goes_on(self, abilities: Abilities) -> Finding | None:
        """It is found out beside the request; before it, if nothing is known, or it is likely to be in vain.

        None: it begins anyway."""
        if not self.intake.begun.strip():
            self.intake.restart_text()
            return None
        finding = abilities.find_out()
        known = abilities.continuing
        if (known and known.goes_on) or (await abilities.found(finding, self._closed)).goes_on:
            return finding
        self.intake.begin_anew()
        return None

    async def _read(self, source: Source, abilities: Abilities, finding: Finding | None) -> bool:
        """False, before anything is written, if it does not go on from the text that is there."""
        self.intake.begin()
        try:
            goes_on = await self._take_all(source, abilities, finding)
        except BrokeOff:
            if source.server is None or not self.intake.may_end_here(
                tells_ends=self._servers.tells_ends(source.server)
            ):
                raise
            self._servers.note_end(source.server, told=False)
            goes_on = True
        finally:
            self._place.leave()
            self.figures.upstream_ended_at = site_time.now()
            self.figures.coalesced = source.billed_to_other and not self.intake.tokens_before
        if goes_on and not self._closed.is_set():
            self.intake.finish()
        return goes_on

    async def _take_all(self, source: Source, abilities: Abilities, finding: Finding | None) -> bool:
        async with aclosing(source.stream.deltas()) as deltas:
            async for delta in deltas:
                has_text = bool(delta.text or delta.thinking)
                if source.server and has_text:
                    self._servers.note_token(source.server)
                if finding and has_text:
                    found, finding = await abilities.found(finding, self._closed), None
                    if self._closed.is_set() or not found.goes_on:
                        await source.stream.close()
                        return found.goes_on
                    self.intake.go_on(found)
                self.intake.take(delta)
                if self.intake.is_lost:
                    await source.stream.close()
                    return False
                if self._closed.is_set():
                    await source.stream.close()
        if source.server and not self._closed.is_set():
            self._servers.note_end(source.server, told=True)
        return True

    async def _open(self, target: Route, body: dict[str, Any], request_id: str) -> Source:
        self.intake.characters = sum(len(message["content"]) for message in body["messages"])
        source = self._source = await self._answers.source(target, body, request_id)
        self.intake.answered_at = lambda: source.stream.answered_at
        self.figures.cached, self.figures.coalesced = source.server is None, source.is_shared
        self.figures.server = source.server.key if source.server else ""
        self._place.leave()
        if source.server and not source.is_shared:
            self._place.at(source.server, self._sizes.about(target.model, self.intake.characters))
        if self._closed.is_set():  # while the cache was asked
            await source.stream.close()
        return source

    def _log_restart(self, abilities: Abilities) -> None:
        """Now that it helped."""
        if self._is_whole_instead or abilities.refuses_streams:
            counters.fell_back(counters.WHOLE)
            self._handle.append(Noticed("The answer could not be streamed, so it arrived all at once."))

    def _log_other_tier(self, target: Route) -> None:
        """Once for each: the model that was meant to answer cannot be had."""
        wanted, got = self.stage.tier, target.tier.slug
        if wanted and got != wanted and got != self.figures.tier:
            self._handle.append(
                Noticed(f"{self.stage.tier_name or wanted} is unavailable. Answered by {target.tier.name}.")
            )
            counters.fell_back(counters.OTHER_TIER)
