"""Chooses the model server and model for a request; passes over servers that fail."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from conversations.models.generation.errors import ErrorCode
from streaming.planning.tiers import TierSpec, environment_tiers

from .breaker import Breaker, BreakerState
from .capabilities import NO, Capabilities, Capability
from .liveness import signs_of
from .trial import Trials
from .vllm.client import ModelServer, ServerKey, complete
from .vllm.errors import ModelServerError, Rejected, Unreachable
from .vllm.facts import list_models
from .vllm.wire import ChatDelta

logger = logging.getLogger(__name__)

MODELS_KNOWN_FOR_S = 60.0
PROBE_INTERVAL_S = 0.5  # between checks for servers due to be probed
PROBE_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Candidate:
    """A server that serves a tier."""

    tier: TierSpec
    server: ModelServer

    def may_serve(self, model: str) -> bool:
        """As far as the tier's settings show; an empty model means any."""
        return not model or self.tier.model in ("", model)


@dataclass(frozen=True)
class Route(Candidate):
    """The chosen candidate, and the model to request."""

    model: str


class NoRoom(Unreachable):
    """Every server that could answer is at its limit of requests: wait."""


class ModelServers:
    """The model servers as one process sees them: their models, its requests to them, and their breakers."""

    def __init__(self, http: httpx.AsyncClient, tiers: Sequence[TierSpec] | None = None):
        self.http = http
        self.capabilities = Capabilities()
        self.trials = Trials(http, self.capabilities)
        self.breakers: dict[ModelServer, Breaker] = {}
        self.drained: frozenset[ServerKey] = frozenset()
        self._running: Counter[ModelServer] = Counter()
        self._token_at: dict[ModelServer, float] = {}
        self._marks_ends: dict[ModelServer, bool] = {}
        self._models: dict[ModelServer, tuple[float, list[str]]] = {}
        self.use(environment_tiers() if tiers is None else tiers)

    def use(self, tiers: Sequence[TierSpec]) -> None:
        """Replaces the tiers. Keeps what is known of servers that remain."""
        self.candidates = [Candidate(tier, server) for tier in tiers for server in (tier.server, *tier.others)]
        self.breakers = {server: self.breakers.get(server) or Breaker() for server in self.servers}

    @property
    def servers(self) -> list[ModelServer]:
        return list(dict.fromkeys(candidate.server for candidate in self.candidates))

    @asynccontextmanager
    async def acquire(
        self, excluded: Sequence[Candidate] = (), tier: str = "", model: str = ""
    ) -> AsyncIterator[Route]:
        """Yields the best candidate that is not ``excluded``, and counts a request to its server until the block ends.

        Never uses a drained server. Ranks by working servers first, then by the ``tier`` (a slug; empty: the cheapest)
        and the tiers nearest to it, stronger ones first, then by the fewest running requests.
        ``model``: only this one.
        Raises ModelServerError; NoRoom if waiting is enough.
        """
        error: ModelServerError = Unreachable("no model server is left that is not drained")
        for candidate in sorted(self._left(excluded), key=lambda one: self._rank(one, tier)):
            if self._is_full(candidate):
                error = NoRoom(f"{candidate.server.name} has {candidate.tier.max_parallel} requests already")
                continue
            with self._busy(candidate.server):
                try:
                    found = await self.model_of(candidate, model)
                except ModelServerError as why:
                    self.record_failure(candidate.server, why)
                    error = error if isinstance(error, NoRoom) else why
                    continue
                if breaker := self.breakers.get(candidate.server):  # else an admin has removed the server meanwhile
                    breaker.begin()
                yield Route(candidate.tier, candidate.server, found)
                return
        raise error

    async def whole(self, route: Route, body: dict[str, Any], timeout_s: float) -> ChatDelta:
        """Returns the answer, not streamed. A server that refuses the field that switches thinking off is asked again
        without it, and from then on always. Raises ModelServerError."""
        capability = route.server, route.model, Capability.TEMPLATE_ARGUMENTS
        plain = {name: value for name, value in body.items() if name != "chat_template_kwargs"}
        if self.capabilities.value(*capability) == NO:
            return await complete(self.http, route.server, plain, timeout_s)
        try:
            return await complete(self.http, route.server, body, timeout_s)
        except Rejected as error:
            if error.code != ErrorCode.REFUSED:
                raise
            answer = await complete(self.http, route.server, plain, timeout_s)
            self.capabilities.learn(*capability, NO)
            return answer

    def has_other(self, excluded: Sequence[Candidate], model: str = "") -> bool:
        return any(candidate.may_serve(model) for candidate in self._left(excluded))

    def record_failure(self, server: ModelServer, error: ModelServerError) -> None:
        """Counts only the server's own faults, not requests that it refuses for good reason."""
        if error.is_servers_fault and server in self.breakers:
            self.breakers[server].record_failure(at_once=isinstance(error, Unreachable))
            self._models.pop(server, None)
            self._token_at.pop(server, None)
            if isinstance(error, Unreachable):
                self.capabilities.forget(server)

    def record_token(self, server: ModelServer) -> None:
        if server in self.breakers:  # else the server was removed meanwhile
            self.breakers[server].record_success()
            self._token_at[server] = time.monotonic()

    def record_end(self, server: ModelServer, *, marked: bool) -> None:
        """Records a complete answer; ``marked``: the server sent an end mark."""
        self._marks_ends.setdefault(server, marked)
        if marked:
            self._marks_ends[server] = True

    def marks_ends(self, server: ModelServer) -> bool | None:
        """Whether the server marks the end of complete answers; None: unknown."""
        return self._marks_ends.get(server)

    def token_at(self, server: ModelServer) -> float:
        """When this process last got an answer's token from it, by the monotonic clock; 0: never, or it has failed
        since."""
        return self._token_at.get(server, 0.0)

    def is_busy(self, server: ModelServer) -> bool:
        """True if this process has a request there, for an answer or a title."""
        return self._running[server] > 0

    def is_drained(self, server: ModelServer) -> bool:
        return server.key in self.drained

    async def look_after(self) -> None:
        """Runs forever: probes the servers whose breakers are open, when due."""
        while True:
            await asyncio.sleep(PROBE_INTERVAL_S)
            due = [(server, breaker) for server, breaker in self.breakers.items() if breaker.wants_probe]
            await asyncio.gather(*(self._probe(server, breaker) for server, breaker in due))

    async def model_of(self, candidate: Candidate, model: str = "") -> str:
        """Raises ModelServerError if the server does not serve ``model``, or no model at all."""
        models = [candidate.tier.model] if candidate.tier.model else await self._listed_by(candidate.server)
        if model and model not in models:
            raise Rejected(404, f"{candidate.server.name} does not serve {model}")
        return model or models[0]

    def states(self) -> dict[str, BreakerState]:
        """By the server's key, for the heartbeat."""
        return {server.key: breaker.state for server, breaker in self.breakers.items()}

    def requests(self) -> dict[ServerKey, int]:
        """This process's running requests, by the server's key."""
        return {server.key: count for server, count in self._running.items() if count}

    def _left(self, excluded: Sequence[Candidate]) -> list[Candidate]:
        return [o for o in self.candidates if not is_excluded(o, excluded) and not self.is_drained(o.server)]

    @contextmanager
    def _busy(self, server: ModelServer) -> Iterator[None]:
        self._running[server] += 1
        try:
            yield
        finally:
            self._running[server] -= 1

    async def _probe(self, server: ModelServer, breaker: Breaker) -> None:
        try:
            await signs_of(self.http, server, PROBE_TIMEOUT_S)
        except (ModelServerError, UnicodeError) as error:
            logger.info("breaker of %s stays open: %s", server.name, error)
            breaker.record_probe(healthy=False)
        else:
            logger.info("%s may have recovered: one answer tries it", server.name)
            breaker.record_probe(healthy=True)

    def _is_full(self, candidate: Candidate) -> bool:
        limit = candidate.tier.max_parallel
        return limit is not None and self._running[candidate.server] >= limit

    def _rank(self, candidate: Candidate, tier: str) -> tuple[bool, int, int]:
        slugs = list(dict.fromkeys(other.tier.slug for other in self.candidates))
        ahead = slugs.index(candidate.tier.slug) - (slugs.index(tier) if tier in slugs else 0)
        distance = 2 * ahead - 1 if ahead > 0 else -2 * ahead
        return not self.breakers[candidate.server].lets_through, distance, self._running[candidate.server]

    async def _listed_by(self, server: ModelServer) -> list[str]:
        """Cached for a minute. Never empty. Raises ModelServerError."""
        known_since, models = self._models.get(server, (0.0, []))
        if not models or time.monotonic() - known_since > MODELS_KNOWN_FOR_S:
            models = [listed.id for listed in await list_models(self.http, server)]
            if not models:
                raise Unreachable(f"{server.name} serves no model")
            self._models[server] = (time.monotonic(), models)
        return models


def is_excluded(candidate: Candidate, excluded: Sequence[Candidate]) -> bool:
    return any((candidate.server, candidate.tier.slug) == (other.server, other.tier.slug) for other in excluded)
