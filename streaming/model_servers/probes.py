"""Each model server's health: probed by a task, stored in Redis, read by pages and metrics."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime

import httpx
import msgspec
from django.db import DatabaseError
from msgspec.structs import replace
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from conversations import site_time
from streaming.coordination import exchanged
from streaming.coordination.database import in_database
from streaming.coordination.redis_clients import open_sync_client
from streaming.planning.tiers import stored_tiers

from .capabilities import forget_all
from .liveness import signs_of
from .pool import ModelServers
from .vllm.client import ModelServer, ServerKey, ask
from .vllm.errors import BadReply, ModelServerError, Rejected, TookTooLong
from .vllm.metrics import counters, differences, gauges

logger = logging.getLogger(__name__)

KEY = "throughline:model-servers"
KEPT_S = 120  # older probes are useless
PROBE_TIMEOUT_S = 3.0
SHORTEST_S = 1.0  # between two probes to be compared: several processes may probe at once


class Health(msgspec.Struct, frozen=True):
    """One probe of one server."""

    server: ServerKey
    probed_at: datetime
    healthy: bool
    error: str = ""  # why it is not healthy, for operators
    models: list[str] = []
    version: str = ""  # here and below: empty if not reported
    demo: bool = False
    seconds: float = 0.0  # the probe's duration
    gauges: dict[str, float] = {}  # vLLM's gauges, by their names in metrics.py
    counters: dict[str, float] = {}  # vLLM's counters, since its start
    gained: dict[str, float] = {}  # the counters' increase since the last probe; empty if unknown
    gained_in_s: float = 0.0  # time since the last probe


async def probe_each(servers: ModelServers) -> list[Health]:
    """Probes all servers that admins have entered by now, concurrently, whether they were ever used or not."""
    try:
        servers.use(await in_database(stored_tiers))
    except DatabaseError as error:
        logger.warning("probing the previously known servers: %s", error)
    return list(await asyncio.gather(*(probe(servers.http, server) for server in servers.servers)))


def store(found: list[Health]) -> None:
    with open_sync_client(PROBE_TIMEOUT_S) as redis:
        before = {health.server: health for health in last_probes(redis)}
        probes = [since(before[health.server], health) if health.server in before else health for health in found]
        redis.set(KEY, msgspec.json.encode(probes), ex=KEPT_S)
        forget_all(redis, {now.server for now in found if now.server in before and is_another(before[now.server], now)})


def is_another(before: Health, health: Health) -> bool:
    """True if another server may be at this address now: it was unreachable, or its version or models changed.

    Counters are not compared: behind an address with several servers, they go up and down.
    """
    if not health.healthy or not before.healthy:
        return health.healthy
    return health.version != before.version or sorted(health.models) != sorted(before.models)


def since(before: Health, health: Health) -> Health:
    """Adds the increase since ``before``; if the time between is too short or negative, keeps the previous increase."""
    seconds = (health.probed_at - before.probed_at).total_seconds()
    if seconds < SHORTEST_S:
        return replace(health, gained=before.gained, gained_in_s=before.gained_in_s)
    return replace(health, gained=differences(health.counters, before.counters), gained_in_s=seconds)


async def probe(http: httpx.AsyncClient, server: ModelServer) -> Health:
    """Probes one server; what it does not report is empty. Never raises."""
    begun = time.monotonic()
    now = site_time.now()
    try:
        signs = await signs_of(http, server, PROBE_TIMEOUT_S)
        metrics = await metrics_of(http, server)
    except (ModelServerError, UnicodeError) as error:
        return Health(server.key, now, healthy=False, error=str(error), seconds=time.monotonic() - begun)
    return Health(
        server.key,
        now,
        healthy=True,
        models=[model.id for model in signs.models],
        version=signs.version,
        demo=any(model.owned_by == "throughline-demo" for model in signs.models),
        seconds=time.monotonic() - begun,
        gauges=gauges(metrics),
        counters=counters(metrics),
    )


async def metrics_of(http: httpx.AsyncClient, server: ModelServer) -> str:
    """Returns an empty string if not reported. Raises Unreachable."""
    try:
        reply = await ask(http, server, "GET", f"{server.root}/metrics", PROBE_TIMEOUT_S)
    except (Rejected, TookTooLong, BadReply):
        return ""
    return reply.decode("utf-8", "replace")


def last_probes(redis: Redis) -> list[Health]:
    """Empty if there is no recent probe: beat or the worker is not running."""
    return decode(redis.get(KEY))


async def read_last_probes(redis: AsyncRedis) -> list[Health]:
    """Asynchronous ``last_probes``."""
    return decode(await redis.get(KEY))


def decode(stored: object) -> list[Health]:
    return next(iter(exchanged.read([stored], list[Health])), [])
