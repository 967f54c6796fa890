"""Keeps models warm: requests one token from each model of an idle server, so that the first question does not wait.

Answers have priority: busy servers are not asked, and a warm-up is closed when an answer needs its server. Failures
are reported only to operators; breakers do not count them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import msgspec
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from conversations import site_time
from conversations.models import Generation
from conversations.models.billing.ledger import Purpose
from streaming.coordination.database import in_database
from streaming.model_servers import warmth
from streaming.model_servers.breaker import BreakerState
from streaming.model_servers.pool import Candidate, ModelServers
from streaming.model_servers.vllm.client import ChatStream, ModelServer, Patience, ask
from streaming.model_servers.vllm.errors import ModelServerError, TookTooLong
from streaming.model_servers.vllm.metrics import RUNNING, WAITING, gauges
from streaming.model_servers.vllm.wire import Usage
from streaming.model_servers.warmth import Warming, claim_key, used_key, warming_key
from streaming.planning import internal_usage
from streaming.planning.tiers import TierSpec, known_tiers

logger = logging.getLogger(__name__)

LOOK_INTERVAL_S = 5.0  # between checks for idle servers
TIMEOUT_S = 30.0  # for the one token
AGAIN_AFTER_S = 30  # after a failed warm-up: the server may still be loading
FIGURES_TIMEOUT_S = 2.0
LEARN_AGAIN_S = 60  # before another trial of capabilities that are still unknown
GIVE_WAY_S = 0.05  # within which a warm-up makes way for an answer
LATEST = 20  # generations from which the likely tier is taken

PROMPT = [{"role": "user", "content": "Hi"}]


class Warmer:
    """One worker process's. All processes share which servers are idle through expiring keys in Redis."""

    def __init__(self, redis: Redis, servers: ModelServers):
        self._redis = redis
        self._servers = servers
        self._noted_at = 0.0  # monotonic
        self._away: set[ModelServer] = set()

    async def run(self) -> None:
        while True:
            try:
                await self._record_outcome()
                tiers = await in_database(known_tiers)
                await self.warm(tiers)
                await self.learn(tiers)
            except (RedisError, OSError) as error:
                logger.warning("models were not warmed: %s", error)
            except Exception:  # warming is optional: no bug in it may end the worker
                logger.exception("models were not warmed")
            await asyncio.sleep(min(LOOK_INTERVAL_S, settings.WARM_AFTER_IDLE_S / 4))

    async def warm_likely(self) -> None:
        """Called when a chat page was opened: warms the tier that is most likely to answer there."""
        tiers = await in_database(known_tiers)
        await self.warm([warmth.likely(await in_database(latest_slugs), tiers)])

    async def warm(self, tiers: Sequence[TierSpec]) -> None:
        """Warms all idle servers of these tiers, concurrently."""
        await asyncio.gather(
            *(self._warm_server(server, candidates) for server, candidates in by_server(tiers).items())
        )

    async def learn(self, tiers: Sequence[TierSpec]) -> None:
        """Finds out the unknown capabilities of idle servers, one small request at a time."""
        for server, candidates in by_server(tiers).items():
            for candidate in candidates:
                if self._may_learn(server) and await internal_usage.may_ask(candidate.tier):
                    await self._learn(candidate)

    # Shared among workers

    async def _record_outcome(self) -> None:
        """Marks servers that returned tokens as used; clears the marks of those that are back, since they may have
        restarted. Raises RedisError."""
        noted_at, self._noted_at = self._noted_at, time.monotonic()
        for server, breaker in self._servers.breakers.items():
            if self._servers.token_at(server) > noted_at:
                await self._note_use(server)
            if breaker.state is BreakerState.OPEN:
                self._away.add(server)
            elif server in self._away:
                self._away.discard(server)
                await self._redis.delete(claim_key(server), used_key(server))

    async def _note_use(self, server: ModelServer) -> None:
        await self._redis.set(used_key(server), msgspec.json.encode(site_time.now()), ex=settings.WARM_AFTER_IDLE_S)

    # One server

    async def _warm_server(self, server: ModelServer, candidates: list[Candidate]) -> None:
        try:
            if not await self._claim(server):
                return
            paid = [candidate for candidate in candidates if await internal_usage.may_ask(candidate.tier)]
            found = await asyncio.gather(*(self._warm(candidate) for candidate in paid))
            if not any(found):
                await self._redis.set(claim_key(server), 1, ex=min(AGAIN_AFTER_S, settings.WARM_AFTER_IDLE_S))
        except (RedisError, OSError) as error:
            logger.warning("%s was not warmed: %s", server.name, error)

    async def _claim(self, server: ModelServer) -> bool:
        """True if the server is idle and this process shall warm it. Raises RedisError."""
        if not self._rests(server) or await self._redis.exists(used_key(server)):
            return False
        if not await self._redis.set(claim_key(server), 1, nx=True, ex=settings.WARM_AFTER_IDLE_S):
            return False
        if await self._works_for_others(server):
            await self._note_use(server)
            return False
        return True

    def _rests(self, server: ModelServer) -> bool:
        """True if the server is idle as far as this process knows; False if it is unreachable or drained."""
        breaker = self._servers.breakers.get(server)
        is_away = breaker is not None and breaker.state is BreakerState.OPEN
        token_at = self._servers.token_at(server)
        was_used = bool(token_at) and time.monotonic() - token_at < settings.WARM_AFTER_IDLE_S
        return not (is_away or was_used or self._servers.is_busy(server) or self._servers.is_drained(server))

    async def _works_for_others(self, server: ModelServer) -> bool:
        """True if the server's metrics show requests; False without metrics."""
        try:
            reply = await ask(self._servers.http, server, "GET", f"{server.root}/metrics", FIGURES_TIMEOUT_S)
        except ModelServerError:
            return False
        figures = gauges(reply.decode("utf-8", "replace"))
        return figures.get(RUNNING, 0) + figures.get(WAITING, 0) > 0

    # One model

    def _may_learn(self, server: ModelServer) -> bool:
        breaker = self._servers.breakers.get(server)
        is_well = breaker is None or breaker.state is BreakerState.CLOSED
        return is_well and not self._servers.is_busy(server) and not self._servers.is_drained(server)

    async def _learn(self, candidate: Candidate) -> None:
        """Finds out capabilities now, so that the first answer can use them. Raises RedisError."""
        servers, server, tier = self._servers, candidate.server, candidate.tier
        try:
            model = await servers.model_of(candidate)
            unknown = servers.trials.unknown(server, model, streams=tier.streams)
            claim = f"throughline:learning:{server.key}:{model}"
            if not unknown or not await self._redis.set(claim, 1, nx=True, ex=LEARN_AGAIN_S):
                return
            for capability in unknown:
                if self._may_learn(server):
                    usage = await servers.trials.find_out(capability, server, model, streams=tier.streams)
                    await internal_usage.record(Purpose.WARMING, tier, model, usage)
        except ModelServerError as error:
            logger.info("%s %s: capabilities are still unknown: %s", server.name, tier.name, error.in_short)

    async def _warm(self, candidate: Candidate) -> bool:
        """False if it failed; True also if it made way for an answer. Raises RedisError."""
        error, begun = "", time.monotonic()
        try:
            if not await self._token_of(candidate):
                return True
        except ModelServerError as why:
            error = str(why)
            logger.info("%s %s was not warmed: %s", candidate.server.name, candidate.tier.name, why)
        warming = Warming(site_time.now(), round(1000 * (time.monotonic() - begun)), error)
        key = warming_key(candidate.server, candidate.tier.model)
        await self._redis.set(key, msgspec.json.encode(warming), ex=warmth.KNOWN_FOR_S)
        return not error

    async def _token_of(self, candidate: Candidate) -> bool:
        """False if it made way for an answer. Raises ModelServerError."""
        model = await self._servers.model_of(candidate)
        body = {"model": model, "messages": PROMPT, "max_tokens": 1}
        if candidate.tier.streams:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        stream = ChatStream(
            self._servers.http,
            candidate.server,
            body,
            request_id=f"warm-{uuid4().hex[:12]}",
            patience=Patience(TIMEOUT_S, TIMEOUT_S),
        )
        reading = asyncio.create_task(read(stream))
        until = time.monotonic() + TIMEOUT_S
        while not reading.done():
            await asyncio.wait([reading], timeout=GIVE_WAY_S)
            gives_way, is_late = self._servers.is_busy(candidate.server), time.monotonic() > until
            if not reading.done() and (gives_way or is_late):
                await stream.close()
                await reading
                if gives_way:
                    return False
                raise TookTooLong(TIMEOUT_S, had_tokens=False)
        await internal_usage.record(Purpose.WARMING, candidate.tier, model, await reading)
        return True


async def read(stream: ChatStream) -> Usage | None:
    """Reads the stream to its end. Returns the usage, if the server reports it. Raises ModelServerError."""
    usage = None
    async with aclosing(stream.deltas()) as deltas:
        async for delta in deltas:
            usage = delta.usage or usage
    return usage


def by_server(tiers: Sequence[TierSpec]) -> dict[ModelServer, list[Candidate]]:
    """Returns one candidate per model of each server."""
    candidates: dict[tuple[ModelServer, str], Candidate] = {}
    for tier in tiers:
        for server in (tier.server, *tier.others):
            candidates.setdefault((server, tier.model), Candidate(tier, server))
    return {server: [o for (its, _), o in candidates.items() if its == server] for server, _ in candidates}


def latest_slugs() -> list[str]:
    """Returns the slugs of the tiers that the latest answers began with. One query."""
    plans: Any = Generation.objects.filter(plan__isnull=False).order_by("-accepted_at").values_list("plan", flat=True)
    return [plan["stages"][0].get("tier", "") for plan in plans[:LATEST] if plan["stages"]]
