"""Finds the source of an answer: the cache, a request in flight, or a model server."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import httpx
import msgspec
from django.conf import settings

from conversations.models.catalog.tier import Caches
from streaming.model_servers.pool import Route
from streaming.model_servers.vllm.client import ChatStream, ModelServer, Patience
from streaming.model_servers.vllm.wire import ChatDelta
from streaming.planning.tiers import TierSpec
from streaming.telemetry import counters, tracing

from .in_flight import InFlightRequest, InFlightRequests, Reader
from .response_cache import SHARED, CachedAnswer, Replay, ResponseCache

HOW_IT_IS_SENT = ("stream", "stream_options")  # fields that do not affect the answer
_encode = msgspec.json.Encoder(order="deterministic").encode


class AnswerStream(Protocol):
    """The interface of ChatStream, Reader and Replay."""

    @property
    def answered_at(self) -> datetime | None:
        """When the first byte of the model server's response arrived; None before that, and for cached answers."""

    def deltas(self) -> AsyncGenerator[ChatDelta, None]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Source:
    """A stream and its server, perhaps another one than was chosen; None: the cache."""

    stream: AnswerStream
    server: ModelServer | None
    is_shared: bool = False  # another answer's request

    @property
    def billed_to_other(self) -> bool:
        """True if another reader of the same request pays for it. Known once the stream was read or closed."""
        return isinstance(self.stream, Reader) and not self.stream.pays


@dataclass(frozen=True)
class Reuse:
    """What all answers of a process share."""

    http: httpx.AsyncClient
    kept: ResponseCache
    requests: InFlightRequests = field(default_factory=InFlightRequests)


@dataclass(frozen=True)
class Answers:
    """Sources for one generation. ``fresh``: always ask the model, never reuse an answer."""

    reuse: Reuse
    user_id: int
    fresh: bool = False

    async def source(self, route: Route, body: dict[str, Any], request_id: str) -> Source:
        """The caller must read the stream to its end or close it."""
        key = key_of(route, body, self.user_id)
        if key is None:
            return Source(self._ask(route, body, request_id), route.server)
        if not self.fresh and (found := await self._find(key)):
            return found
        request = InFlightRequest(self._ask(route, body, request_id), route)
        self.reuse.requests.begin(key, request, partial(self._keep, key, route.model), shared=not self.fresh)
        return Source(request.join(), route.server)

    async def _find(self, key: str) -> Source | None:
        if self.reuse.requests.find(key) is None and (kept := await self.reuse.kept.find(key)):
            counters.add(f"{counters.CACHE}:hit")
            return Source(Replay(kept), None)
        request = self.reuse.requests.find(key)  # may have started during the cache look-up
        counters.add(f"{counters.CACHE}:{'joined' if request else 'miss'}")
        return Source(request.join(), request.route.server, is_shared=True) if request else None

    async def _keep(self, key: str, model: str, deltas: list[ChatDelta]) -> None:
        if answer := CachedAnswer.of(model, deltas):
            await self.reuse.kept.keep(key, answer, self.user_id)

    def _ask(self, route: Route, body: dict[str, Any], request_id: str) -> ChatStream:
        patience = Patience(route.tier.first_token_timeout_s, route.tier.silence_timeout_s)
        return ChatStream(self.reuse.http, route.server, body, request_id, patience, tracing.headers(request_id))


def key_of(route: Route, body: Mapping[str, Any], user_id: int) -> str | None:
    """Returns a key that is equal for requests that may share an answer; None if this one may not.

    It includes the tier and its server: two servers may use the same name for different models.
    """
    if not may_be_shared(route.tier, body):
        return None
    asked = {name: value for name, value in body.items() if name not in HOW_IT_IS_SENT}
    whose = SHARED if route.tier.cache_across_users else user_id
    digest = hashlib.sha256(_encode([route.tier.slug, route.tier.server.base_url, asked])).hexdigest()
    return f"{whose}:{digest}"


def may_be_shared(tier: TierSpec, body: Mapping[str, Any]) -> bool:
    # The rest of a text is of no use to others, who do not have its beginning.
    if not settings.RESPONSE_CACHE or "continue_final_message" in body:
        return False
    return tier.caches == Caches.ALWAYS or (tier.caches == Caches.AT_ZERO and body["temperature"] == 0)
