"""Where a request's answer comes from: the cache, a request that is under way, or a model server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import httpx

from streaming.model_servers.pool import Route
from streaming.model_servers.vllm.client import ChatStream, ModelServer, Patience
from streaming.model_servers.vllm.wire import ChatDelta
from streaming.telemetry import counters, tracing

from .in_flight import InFlightRequest, InFlightRequests, Reader
from .keys import key_of
from .response_cache import CachedAnswer, Replay, ResponseCache


class AnswerStream(Protocol):
    """As a ChatStream, whatever it is."""

    @property
    def answered_at(self) -> datetime | None:
        """When the first byte of the model server's response came; None before, and from the cache."""

    def deltas(self) -> AsyncGenerator[ChatDelta, None]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Source:
    """A stream, and the server that it comes from, which need not be the one that was chosen; None: the cache."""

    stream: AnswerStream
    server: ModelServer | None
    is_shared: bool = False  # the request is another answer's

    @property
    def billed_to_other(self) -> bool:
        """By another answer that read the same request. Known when it has been read, or was closed."""
        return isinstance(self.stream, Reader) and not self.stream.pays


@dataclass(frozen=True)
class Reuse:
    """What the answers of a process share."""

    http: httpx.AsyncClient
    kept: ResponseCache
    flights: InFlightRequests = field(default_factory=InFlightRequests)


@dataclass(frozen=True)
class Answers:
    """For one generation. ``fresh``: the model shall be asked, whatever there is."""

    reuse: Reuse
    user_id: int
    fresh: bool = False

    async def source(self, target: Route, body: dict[str, Any], request_id: str) -> Source:
        """Read it to its end, or close it."""
        key = key_of(target, body, self.user_id)
        if key is None:
            return Source(self._request(target, body, request_id), target.server)
        if not self.fresh and (found := await self._find(key)):
            return found
        flight = InFlightRequest(self._request(target, body, request_id), target)
        self.reuse.flights.begin(key, flight, partial(self._keep, key, target.model), shared=not self.fresh)
        return Source(flight.join(), target.server)

    async def _find(self, key: str) -> Source | None:
        if self.reuse.flights.find(key) is None and (kept := await self.reuse.kept.find(key)):
            counters.add(f"{counters.CACHE}:hit")
            return Source(Replay(kept), None)
        flight = self.reuse.flights.find(key)  # also one that was begun meanwhile
        counters.add(f"{counters.CACHE}:{'joined' if flight else 'miss'}")
        return Source(flight.join(), flight.target.server, is_shared=True) if flight else None

    async def _keep(self, key: str, model: str, deltas: list[ChatDelta]) -> None:
        if answer := CachedAnswer.of(model, deltas):
            await self.reuse.kept.keep(key, answer, self.user_id)

    def _request(self, target: Route, body: dict[str, Any], request_id: str) -> ChatStream:
        patience = Patience(target.tier.first_token_timeout_s, target.tier.silence_timeout_s)
        return ChatStream(self.reuse.http, target.server, body, request_id, patience, tracing.headers(request_id))
