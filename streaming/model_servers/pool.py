"""Which model server and model an answer comes from, and which servers are left alone for a while."""

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
PROBE_INTERVAL_S = 0.5  # how often is looked whether a server wants to be probed
PROBE_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Candidate:
    """A server that serves a tier."""

    tier: TierSpec
    server: ModelServer

    def may_serve(self, model: str) -> bool:
        """As far as the tier tells; an empty model is any."""
        return not model or self.tier.model in ("", model)


@dataclass(frozen=True)
class Route(Candidate):
    """An candidate, and the model to ask for."""

    model: str


class NoRoom(Unreachable):
    """Every server that could answer has as many requests as it is allowed to get: wait."""


class ModelServers:
    """The servers as one process knows them: their models, how busy it keeps them, and which do not work."""

    def __init__(self, http: httpx.AsyncClient, tiers: Sequence[TierSpec] | None = None):
        self.http = http
        self.capabilities = Capabilities()
        self.trials = Trials(http, self.capabilities)
        self.breakers: dict[ModelServer, Breaker] = {}
        self.drained: frozenset[ServerKey] = frozenset()  # servers that get no new requests: an operator said so
        self._running: Counter[ModelServer] = Counter()
        self._token_at: dict[ModelServer, float] = {}
        self._marks_ends: dict[ModelServer, bool] = {}
        self._models: dict[ModelServer, tuple[float, list[str]]] = {}
        self.use(environment_tiers() if tiers is None else tiers)

    def use(self, tiers: Sequence[TierSpec]) -> None:
        """From now on. What is known of servers that stay is kept."""
        self.candidates = [Candidate(tier, server) for tier in tiers for server in (tier.server, *tier.others)]
        self.breakers = {server: self.breakers.get(server) or Breaker() for server in self.servers}

    @property
    def servers(self) -> list[ModelServer]:
        return list(dict.fromkeys(candidate.server for candidate in self.candidates))

    @asynccontextmanager
    async def acquire(
        self, excluded: Sequence[Candidate] = (), tier: str = "", model: str = ""
    ) -> AsyncIterator[Route]:
        """While an answer comes from there: of the candidates that are not ``excluded``, the best.

        Never one of a drained server. Those whose server works come first, then those of the ``tier`` (a slug;
        empty: the cheapest) and of the tiers nearest to it, stronger ones first, then those of the least busy server.
        ``model``: no other will do.
        Raises ModelServerError; NoRoom if it is only a matter of waiting.
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
                if breaker := self.breakers.get(candidate.server):  # else an admin took it away meanwhile
                    breaker.begin()
                yield Route(candidate.tier, candidate.server, found)
                return
        raise error

    async def whole(self, route: Route, body: dict[str, Any], timeout_s: float) -> ChatDelta:
        """The answer in one piece. A server that refuses the field that switches thinking off is asked without it, from
        then on at once. Raises ModelServerError."""
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
        """The server's own faults count; a request that it refuses for good reason does not."""
        if error.is_servers_fault and server in self.breakers:
            self.breakers[server].record_failure(at_once=isinstance(error, Unreachable))
            self._models.pop(server, None)
            self._token_at.pop(server, None)
            if isinstance(error, Unreachable):
                self.capabilities.forget(server)

    def record_token(self, server: ModelServer) -> None:
        if server in self.breakers:  # else it is no longer among ours
            self.breakers[server].record_success()
            self._token_at[server] = time.monotonic()

    def record_end(self, server: ModelServer, *, marked: bool) -> None:
        """An answer was complete; did it say so?"""
        self._marks_ends.setdefault(server, marked)
        if marked:
            self._marks_ends[server] = True

    def marks_ends(self, server: ModelServer) -> bool | None:
        """Of complete answers; None: nothing is known yet."""
        return self._marks_ends.get(server)

    def token_at(self, server: ModelServer) -> float:
        """When it gave this process an answer's token, by the monotonic clock; 0 if it never did, or failed since."""
        return self._token_at.get(server, 0.0)

    def is_busy(self, server: ModelServer) -> bool:
        """With an answer, or a title, for this process."""
        return self._running[server] > 0

    def is_drained(self, server: ModelServer) -> bool:
        return server.key in self.drained

    async def look_after(self) -> None:
        """For ever: ask those that were left alone for signs of life."""
        while True:
            await asyncio.sleep(PROBE_INTERVAL_S)
            due = [(server, breaker) for server, breaker in self.breakers.items() if breaker.wants_probe]
            await asyncio.gather(*(self._probe(server, breaker) for server, breaker in due))

    async def model_of(self, candidate: Candidate, model: str = "") -> str:
        """Raises ModelServerError if it does not serve this one, or nothing."""
        models = [candidate.tier.model] if candidate.tier.model else await self._listed_by(candidate.server)
        if model and model not in models:
            raise Rejected(404, f"{candidate.server.name} does not serve {model}")
        return model or models[0]

    def states(self) -> dict[str, BreakerState]:
        """By the server's key, as heartbeats have it."""
        return {server.key: breaker.state for server, breaker in self.breakers.items()}

    def requests(self) -> dict[ServerKey, int]:
        """That this process has now."""
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
        """Known for a minute. Never empty. Raises ModelServerError."""
        known_since, models = self._models.get(server, (0.0, []))
        if not models or time.monotonic() - known_since > MODELS_KNOWN_FOR_S:
            models = [listed.id for listed in await list_models(self.http, server)]
            if not models:
                raise Unreachable(f"{server.name} serves no model")
            self._models[server] = (time.monotonic(), models)
        return models


def is_excluded(candidate: Candidate, excluded: Sequence[Candidate]) -> bool:
    return any((candidate.server, candidate.tier.slug) == (other.server, other.tier.slug) for other in excluded)
