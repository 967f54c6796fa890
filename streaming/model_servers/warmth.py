"""How warm the models are: workers publish it in Redis, operators' pages and metrics read it, chat pages ask for it."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from conversations import site_time
from streaming.coordination import exchanged
from streaming.planning.tiers import TierSpec

from .vllm.client import ModelServer

logger = logging.getLogger(__name__)

PREFIX = "throughline:warm:"
WANTED = f"{PREFIX}wanted"  # a chat page was opened lately, and a worker was notified
KNOWN_FOR_S = 24 * 3600  # how long is known when a model was warm
WANTED_WITHIN_S = 10  # a worker that hears of an opened page later than this does nothing


class Warming(msgspec.Struct, frozen=True):
    """The last request that a model was warmed with."""

    at: datetime
    ms: int
    error: str = ""  # why it failed, for operators


class Warmth(enum.StrEnum):
    WARM = "warm"
    COLD = "cold"
    FAILED = "failed"


@dataclass(frozen=True)
class TierWarmth:
    """Of one tier on one of its servers."""

    tier: str  # its slug
    name: str
    server: str  # its key
    warmth: Warmth
    at: datetime | None  # of the last token that is known of, or of the failure; None: nothing is known
    ms: int | None  # that the last warming took; None if there was none, or it failed
    error: str = ""


def used_key(server: ModelServer) -> str:
    """Holds when the server gave an answer's token, for as long as that keeps it warm."""
    return f"{PREFIX}used:{server.key}"


def claim_key(server: ModelServer) -> str:
    """Whoever sets it warms the server; nobody does until it has expired."""
    return f"{PREFIX}claim:{server.key}"


def warming_key(server: ModelServer, model: str) -> str:
    """Holds the last Warming. ``model`` is what the tier has; empty: the first that the server lists."""
    return f"{PREFIX}warming:{server.key}/{model}"


# For operators


def warmth_of(redis: Redis, tiers: Iterable[TierSpec]) -> list[TierWarmth]:
    """Of each tier on each of its servers; empty if warming is switched off. Two commands."""
    candidates = [(tier, server) for tier in tiers for server in (tier.server, *tier.others)]
    pairs = list({(tier.slug, server.key): (tier, server) for tier, server in candidates}.values())
    if not (settings.WARM_MODELS and pairs):
        return []
    warmings: Any = redis.mget([warming_key(server, tier.model) for tier, server in pairs])
    used: Any = redis.mget([used_key(server) for _, server in pairs])
    return [
        state_of(tier, server, decode(last, Warming), decode(use, datetime))
        for (tier, server), last, use in zip(pairs, warmings, used, strict=True)
    ]


def state_of(tier: TierSpec, server: ModelServer, last: Warming | None, used_at: datetime | None) -> TierWarmth:
    at = max((moment for moment in (used_at, last and last.at) if moment), default=None)
    is_news = last is not None and last.at == at
    if last and last.error and is_news:
        return TierWarmth(tier.slug, tier.name, server.key, Warmth.FAILED, at, None, last.error)
    is_warm = at is not None and site_time.now() - at <= timedelta(seconds=settings.WARM_AFTER_IDLE_S)
    ms = last.ms if last and not last.error else None
    return TierWarmth(tier.slug, tier.name, server.key, Warmth.WARM if is_warm else Warmth.COLD, at, ms)


def decode(stored: bytes | None, shape: Any) -> Any:
    return next(iter(exchanged.read([stored], shape)), None)


# For chat pages


async def want(redis: AsyncRedis) -> None:
    """A chat page was opened: have the likely tier warmed, once in a while over all processes. Never raises."""
    try:
        if await redis.set(WANTED, 1, nx=True, ex=settings.WARM_AFTER_IDLE_S):
            await asyncio.to_thread(notify_worker)
    except (OperationalError, RedisError, OSError) as error:
        logger.info("no worker was notified of an opened page: %s", error)


def notify_worker() -> None:
    current_app.send_task("streaming.tasks.warm_likely", expires=WANTED_WITHIN_S)


def likely(slugs: Sequence[str], tiers: Sequence[TierSpec]) -> TierSpec:
    """The tier that most of ``slugs``, those of the latest answers, name; else the cheapest."""
    known = [tier for tier in tiers if tier.slug in slugs]
    return max(known, key=lambda tier: slugs.count(tier.slug), default=tiers[0])
