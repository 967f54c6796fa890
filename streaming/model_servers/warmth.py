"""Which models are warm: workers publish it in Redis; operators' pages and metrics read it; chat pages request it."""

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
WANTED = f"{PREFIX}wanted"  # set if a chat page was opened recently and a worker was notified
KNOWN_FOR_S = 24 * 3600  # how long a warm-up is remembered
WANTED_WITHIN_S = 10  # a worker ignores a notice older than this


class Warming(msgspec.Struct, frozen=True):
    """A model's last warm-up request."""

    at: datetime
    ms: int
    error: str = ""  # why it failed, for operators


class Warmth(enum.StrEnum):
    WARM = "warm"
    COLD = "cold"
    FAILED = "failed"


@dataclass(frozen=True)
class TierWarmth:
    """The state of one tier on one of its servers."""

    tier: str  # its slug
    name: str
    server: str  # its key
    warmth: Warmth
    at: datetime | None  # of the last known token, or of the failure; None: unknown
    ms: int | None  # the last warm-up's duration; None if there was none, or it failed
    error: str = ""


def used_key(server: ModelServer) -> str:
    """Key: when the server last returned an answer's token. It lives as long as that keeps the server warm."""
    return f"{PREFIX}used:{server.key}"


def claim_key(server: ModelServer) -> str:
    """Key: the worker that sets it warms the server; no other does until it expires."""
    return f"{PREFIX}claim:{server.key}"


def warming_key(server: ModelServer, model: str) -> str:
    """Key: the last Warming. ``model``: the tier's; empty: the first that the server lists."""
    return f"{PREFIX}warming:{server.key}/{model}"


# For operators


def warmth_of(redis: Redis, tiers: Iterable[TierSpec]) -> list[TierWarmth]:
    """Returns the state of each tier on each of its servers; empty if warming is off. Two Redis commands."""
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
    """Called when a chat page is opened: has the likely tier warmed, at most once per WARM_AFTER_IDLE_S over all
    processes. Never raises."""
    try:
        if await redis.set(WANTED, 1, nx=True, ex=settings.WARM_AFTER_IDLE_S):
            await asyncio.to_thread(notify_worker)
    except (OperationalError, RedisError, OSError) as error:
        logger.info("no worker was notified of an opened page: %s", error)


def notify_worker() -> None:
    current_app.send_task("streaming.tasks.warm_likely", expires=WANTED_WITHIN_S)


def likely(slugs: Sequence[str], tiers: Sequence[TierSpec]) -> TierSpec:
    """Returns the tier most frequent among ``slugs``, those of the latest answers; else the cheapest."""
    known = [tier for tier in tiers if tier.slug in slugs]
    return max(known, key=lambda tier: slugs.count(tier.slug), default=tiers[0])
