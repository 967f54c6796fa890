"""Which model server and model an answer comes from, and which servers are left alone for a while."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx
from django.conf import settings

from streaming.breaker import Breaker, BreakerState
from streaming.vllm.client import ModelServer, ask, list_models
from streaming.vllm.errors import ModelServerError, Rejected, Unreachable

logger = logging.getLogger(__name__)

MODELS_KNOWN_FOR_S = 60.0
PROBE_INTERVAL_S = 0.5  # how often is looked whether a server wants to be probed
PROBE_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Target:
    """A model on a server."""

    server: ModelServer
    model: str


def configured_servers() -> list[ModelServer]:
    return [ModelServer(url.rstrip("/"), settings.VLLM_API_KEY) for url in settings.VLLM_BASE_URLS]


class ModelServers:
    """The servers as one process knows them: their models, how busy it keeps them, and which do not work."""

    def __init__(self, http: httpx.AsyncClient, servers: Sequence[ModelServer] | None = None):
        self.http = http
        self.servers = list(configured_servers() if servers is None else servers)
        self.breakers = {server: Breaker() for server in self.servers}
        self._running: Counter[ModelServer] = Counter()
        self._models: dict[ModelServer, tuple[float, list[str]]] = {}

    @asynccontextmanager
    async def chosen(self, tried: Sequence[ModelServer] = (), model: str = "") -> AsyncIterator[Target]:
        """While an answer comes from there: the least busy server of those that work and were not ``tried``.

        ``model``: no other will do. A server whose breaker is open is chosen when there is no other one left.
        Raises ModelServerError.
        """
        error: ModelServerError = Unreachable("no model server is configured")
        for server in sorted((s for s in self.servers if s not in tried), key=self._rank):
            with self._busy(server):
                try:
                    models = await self._models_of(server)
                except ModelServerError as why:
                    self.note_failure(server, why)
                    error = why
                    continue
                if model and model not in models:
                    error = Rejected(404, f"{server.name} does not serve {model}")
                    continue
                self.breakers[server].begin()
                yield Target(server, model or models[0])
                return
        raise error

    def has_other(self, tried: Sequence[ModelServer]) -> bool:
        return any(server not in tried for server in self.servers)

    def note_failure(self, server: ModelServer, error: ModelServerError) -> None:
        """The server's own faults count; a request that it refuses for good reason does not."""
        if error.is_servers_fault:
            self.breakers[server].failed(at_once=isinstance(error, Unreachable))
            self._models.pop(server, None)

    async def look_after(self) -> None:
        """For ever: ask those that were left alone for their health."""
        while True:
            await asyncio.sleep(PROBE_INTERVAL_S)
            due = [server for server, breaker in self.breakers.items() if breaker.wants_probe]
            await asyncio.gather(*(self._probe(server) for server in due))

    def states(self) -> dict[str, BreakerState]:
        """By the server's name."""
        return {server.name: breaker.state for server, breaker in self.breakers.items()}

    @contextmanager
    def _busy(self, server: ModelServer) -> Iterator[None]:
        self._running[server] += 1
        try:
            yield
        finally:
            self._running[server] -= 1

    async def _probe(self, server: ModelServer) -> None:
        try:
            await ask(self.http, server, "GET", f"{server.root}/health", PROBE_TIMEOUT_S)
        except ModelServerError as error:
            logger.info("%s is left alone: %s", server.name, error)
            self.breakers[server].probed(healthy=False)
        else:
            logger.info("%s is well again: one answer tries it", server.name)
            self.breakers[server].probed(healthy=True)

    def _rank(self, server: ModelServer) -> tuple[bool, int]:
        return not self.breakers[server].lets_through, self._running[server]

    async def _models_of(self, server: ModelServer) -> list[str]:
        """VLLM_MODEL alone, or what the server lists, known for a minute. Never empty. Raises ModelServerError."""
        if settings.VLLM_MODEL:
            return [str(settings.VLLM_MODEL)]
        known_since, models = self._models.get(server, (0.0, []))
        if not models or time.monotonic() - known_since > MODELS_KNOWN_FOR_S:
            models = [listed.id for listed in await list_models(self.http, server)]
            if not models:
                raise Unreachable(f"{server.name} serves no model")
            self._models[server] = (time.monotonic(), models)
        return models
