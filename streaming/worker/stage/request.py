"""One request to a model server: opens it, continues the text so far, reads it to its end, or closes it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from conversations import site_time
from conversations.models.generation.plan import PlannedStage
from streaming.cache.answers import Answers, Source
from streaming.log.handle import LogHandle
from streaming.log.records import Noticed
from streaming.model_servers.capabilities import NO, REFUSED, YES, Capability, Continuing, probabilities, top_logprobs
from streaming.model_servers.pool import ModelServers, Route
from streaming.model_servers.trial import Finding
from streaming.model_servers.vllm.client import WHOLE_ANSWER_TIMEOUT_S, ModelServer
from streaming.model_servers.vllm.errors import BrokeOff, Rejected
from streaming.planning.prompts import Prompt, request_body
from streaming.telemetry import counters

from .intake import Intake
from .stats import request_spans

MOMENT_S = 1.0

# By server and model: the values of the capabilities that it seems to have refused.
Refused = dict[tuple[ModelServer, str], dict[Capability, str]]


@dataclass(frozen=True)
class StageContext:
    """What the requests of a stage share."""

    stage: PlannedStage
    servers: ModelServers
    answers: Answers
    handle: LogHandle
    intake: Intake
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    refused: Refused = field(default_factory=dict)  # for this answer
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))  # of the stage's requests


class ServerRequest:
    """``run`` is the whole request; ``close`` ends it early, from another task."""

    def __init__(self, context: StageContext, route: Route, *, streams: bool, is_instead: bool):
        """``is_instead``: not streamed because streaming failed."""
        self.route = route
        self.capabilities = RouteCapabilities(
            context.servers, route, context.refused, streams=streams and route.tier.streams
        )
        self._context = context
        self._intake = context.intake
        self._is_instead = is_instead
        self._source: Source | None = None

    @property
    def server(self) -> ModelServer:
        """The server that answers: not the chosen one if the request is shared with another generation."""
        return (self._source and self._source.server) or self.route.server

    async def run(self, prompt: Prompt) -> None:
        """Returns at the end of the text or when closed. Raises ModelServerError."""
        while not self._is_closed and not await self._ask(prompt):
            self._intake.restart()

    async def close(self) -> None:
        """Closes the connection; the server then aborts the request."""
        if self._source is not None:
            await self._source.stream.close()

    # Opening

    async def _ask(self, prompt: Prompt) -> bool:
        """False if the server does not continue the text so far."""
        context, intake = self._context, self._intake
        finding = await self._find_continuing()
        begun = intake.text
        if not begun:
            intake.restart_thinking()  # no server can continue inside thinking
        intake.tokens_before = context.handle.stage_tokens[context.stage.number]
        limit = context.stage.max_tokens or self.route.tier.max_tokens
        room = limit - intake.tokens_before if begun else limit
        if intake.is_full(room):
            return True
        self._record_request()
        number = next(context.numbers)
        request_id = f"{context.handle.generation_id}-{context.stage.number}-{context.handle.attempt}-{number}"
        with request_spans(context.handle.generation_id, request_id, context.stage, intake):
            try:
                body = self.capabilities.body(prompt, context.stage, begun, room)
                source = await self._open(body, request_id)
                continues = await self._read(source, finding)
            except Rejected:
                if finding is None or await self._result_of(finding) is not Continuing.REFUSES:
                    raise
                continues = False
        if continues and not self._is_closed:
            self.capabilities.learn(source, intake)
            self._log_that_it_is_whole()
        return continues or self._is_closed

    def _record_request(self) -> None:
        self._log_other_tier()
        route, intake, result = self.route, self._intake, self._intake.result
        result.model, result.tier = route.model, route.tier.slug
        result.requested_s = intake.seconds(site_time.now())
        if result.first_requested_s is None:
            result.first_requested_s = result.requested_s
        first_token_s = route.tier.first_token_timeout_s if self.capabilities.streams else WHOLE_ANSWER_TIMEOUT_S
        result.due_s = result.requested_s + first_token_s
        intake.silence_s = route.tier.silence_timeout_s
        intake.enter("waiting")

    async def _open(self, body: dict[str, Any], request_id: str) -> Source:
        intake = self._intake
        intake.characters = sum(len(message["content"]) for message in body["messages"])
        source = self._source = await self._context.answers.source(self.route, body, request_id)
        intake.answered_at = lambda: source.stream.answered_at
        intake.result.cached, intake.result.coalesced = source.server is None, source.is_shared
        intake.result.server = source.server.key if source.server else ""
        intake.position.leave()
        if source.server and not source.is_shared:
            intake.position.at(source.server, intake.prompt_tokens(self.route.model))
        if self._is_closed:  # may have been closed while the cache was read
            await source.stream.close()
        return source

    # Continuing

    async def _find_continuing(self) -> Finding | None:
        """Starts the trial that finds out how the server continues the text so far. It runs beside the request; the
        request waits for it if nothing is known, or if the server is known not to continue. None: the text starts
        from its beginning."""
        if not self._intake.text.strip():
            self._intake.restart_text()
            return None
        finding = self.capabilities.find_continuing()
        known = self.capabilities.continuing
        if (known and known.goes_on) or (await self._result_of(finding)).goes_on:
            return finding
        self._intake.restart()
        return None

    async def _result_of(self, finding: Finding) -> Continuing:
        """Waits MOMENT_S at most if something is known already: a server with few slots may run the trial only after
        the answer."""
        closing = asyncio.create_task(self._context.closed.wait())
        patience = MOMENT_S if self.capabilities.continuing else None
        await asyncio.wait({finding, closing}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()
        return finding.result() if finding.done() else self.capabilities.continuing

    # Reading

    async def _read(self, source: Source, finding: Finding | None) -> bool:
        """False if the server does not continue the text so far; nothing was written then."""
        intake, servers = self._intake, self._context.servers
        intake.begin()
        try:
            continues = await self._take_all(source, finding)
        except BrokeOff:
            if source.server is None or not intake.may_end_here(marks_ends=servers.marks_ends(source.server)):
                raise
            servers.record_end(source.server, marked=False)
            continues = True
        finally:
            intake.position.leave()
            intake.result.ended_s, intake.result.due_s = intake.seconds(site_time.now()), None
            intake.result.coalesced = source.billed_to_other and not intake.tokens_before
        if continues and not self._is_closed:
            intake.finish()
        return continues

    async def _take_all(self, source: Source, finding: Finding | None) -> bool:
        intake, servers, closed = self._intake, self._context.servers, self._context.closed
        async with aclosing(source.stream.deltas()) as deltas:
            async for delta in deltas:
                has_text = bool(delta.text or delta.thinking)
                if source.server and has_text:
                    servers.record_token(source.server)
                if finding and has_text:
                    found, finding = await self._result_of(finding), None
                    if closed.is_set() or not found.goes_on:
                        await source.stream.close()
                        return found.goes_on
                    intake.go_on(found)
                intake.take(delta)
                if intake.is_lost:
                    await source.stream.close()
                    return False
                if closed.is_set():
                    await source.stream.close()
        if source.server and not closed.is_set():
            servers.record_end(source.server, marked=True)
        return True

    @property
    def _is_closed(self) -> bool:
        return self._context.closed.is_set()

    # Notices for readers

    def _log_that_it_is_whole(self) -> None:
        """Called once asking for a whole answer has helped."""
        if self._is_instead or self.capabilities.refuses_streams:
            counters.fell_back(counters.WHOLE)
            self._context.handle.append(Noticed("The answer could not be streamed, so it arrived all at once."))

    def _log_other_tier(self) -> None:
        """Notes, once per tier, that another one answers because the planned one is unavailable."""
        stage, tier = self._context.stage, self.route.tier
        if stage.tier and tier.slug not in (stage.tier, self._intake.result.tier):
            notice = f"{stage.tier_name or stage.tier} is unavailable. Answered by {tier.name}."
            self._context.handle.append(Noticed(notice))
            counters.fell_back(counters.OTHER_TIER)


class RouteCapabilities:
    """The known capabilities of one request's server and model; learns new ones from the answer."""

    def __init__(self, servers: ModelServers, route: Route, refused: Refused, *, streams: bool):
        """``streams``: streaming is requested. ``refused``: what servers seem to have refused for this answer."""
        self._trials = servers.trials
        self._known = servers.capabilities
        self._route = route
        self._about = route.server, route.model
        self._refused = refused.setdefault(self._about, {})
        self.refuses_streams = streams and self._value(Capability.STREAMING) == NO
        self.streams = streams and not self.refuses_streams
        self.asks_usage = self.streams and self._value(Capability.USAGE) != REFUSED
        self.top_logprobs = top_logprobs(self._value(Capability.PROBABILITIES)) if settings.MEASURE_CONFIDENCE else None

    def body(self, prompt: Prompt, stage: PlannedStage, begun: str, max_tokens: int) -> dict[str, Any]:
        """Returns the request body, without what the server does not support."""
        return request_body(
            prompt,
            stage,
            self._route,
            begun,
            max_tokens,
            stream=self.streams,
            usage=self.asks_usage,
            top_logprobs=self.top_logprobs,
        )

    @property
    def continuing(self) -> Continuing:
        """How the server is known to continue a text."""
        return self._known.continuing(*self._about, streams=self.streams)

    def find_continuing(self) -> Finding:
        """Finds out the same with a tiny request beside the answer's."""
        return self._trials.continuing(*self._about, streams=self.streams)

    def ask_less(self, refusal: str) -> bool:
        """True if the next request will leave out what ``refusal``, the server's error message, names.

        The message may mean something else or quote the question, so the capability is recorded only once leaving it
        out has helped.
        """
        refusal = refusal.lower()
        if "logprob" in refusal and self.top_logprobs is not None:
            self._refused[Capability.PROBABILITIES] = probabilities(self.top_logprobs, reported=False)
        elif "stream_options" in refusal and self.asks_usage:
            self._refused[Capability.USAGE] = REFUSED
        elif "stream" in refusal and self.streams:
            self._refused[Capability.STREAMING] = NO
        else:
            return False
        return True

    def learn(self, source: Source, intake: Intake) -> None:
        """Records capabilities seen in a complete answer."""
        if source.server != self._route.server or source.is_shared or not intake.pieces:
            return
        for capability, value in self._refused.items():
            self._known.learn(*self._about, capability, value)
        if self.top_logprobs is not None:
            reported = probabilities(self.top_logprobs, reported=intake.had_probabilities)
            self._known.learn(*self._about, Capability.PROBABILITIES, reported)
        if self.asks_usage:
            self._known.learn(*self._about, Capability.USAGE, YES if intake.had_usage else NO)
        if self.streams and intake.pieces > 1:
            self._known.learn(*self._about, Capability.STREAMING, YES)

    def _value(self, capability: Capability) -> str:
        return self._refused.get(capability) or self._known.value(*self._about, capability)
