"""What is known of each model server's health: probed by a task, kept in Redis, read by pages and metrics."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import httpx
import msgspec
from django.conf import settings
from redis import Redis

from streaming.model_servers import ModelServers
from streaming.vllm.client import ModelServer, ask, list_models
from streaming.vllm.errors import ModelServerError

KEY = "throughline:model-servers"
KEPT_S = 120  # a probe that is older says nothing any more
PROBE_TIMEOUT_S = 3.0
WANTED = ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc")


class Health(msgspec.Struct, frozen=True):
    """One probe of one server."""

    name: str
    probed_at: datetime
    healthy: bool
    error: str = ""  # why not, for operators
    models: list[str] = []
    version: str = ""
    demo: bool = False
    seconds: float = 0.0  # that the probe took
    figures: dict[str, float] = {}  # vLLM's own gauges, by the names in WANTED


class Version(msgspec.Struct):
    version: str = ""


async def probe_each(servers: ModelServers) -> list[Health]:
    """Probe all servers side by side."""
    return list(await asyncio.gather(*(probe(servers.http, server) for server in servers.servers)))


def store(found: list[Health]) -> None:
    with Redis.from_url(settings.REDIS_URL, socket_timeout=PROBE_TIMEOUT_S) as redis:
        redis.set(KEY, msgspec.json.encode(found), ex=KEPT_S)


async def probe(http: httpx.AsyncClient, server: ModelServer) -> Health:
    """Health, models, version and gauges of one server; never raises."""
    begun = time.monotonic()
    now = datetime.now(UTC)
    try:
        await ask(http, server, "GET", f"{server.root}/health", PROBE_TIMEOUT_S)
        models = await list_models(http, server)
        version = msgspec.json.decode(
            await ask(http, server, "GET", f"{server.root}/version", PROBE_TIMEOUT_S), type=Version
        )
        metrics = await ask(http, server, "GET", f"{server.root}/metrics", PROBE_TIMEOUT_S)
    except (ModelServerError, msgspec.DecodeError) as error:
        return Health(server.name, now, healthy=False, error=str(error), seconds=time.monotonic() - begun)
    return Health(
        server.name,
        now,
        healthy=True,
        models=[model.id for model in models],
        version=version.version,
        demo=any(model.owned_by == "throughline-demo" for model in models),
        seconds=time.monotonic() - begun,
        figures=gauges(metrics.decode("utf-8", "replace")),
    )


def gauges(metrics: str) -> dict[str, float]:
    """The wanted gauges, summed over models and engines."""
    figures: dict[str, float] = {}
    for line in metrics.splitlines():
        name, _, value = line.rpartition(" ")
        plain = name.partition("{")[0].removeprefix("vllm:")
        if plain in WANTED and not line.startswith("#"):
            figures[plain] = figures.get(plain, 0.0) + float(value)
    return figures


def last_probes(redis: Redis) -> list[Health]:
    """Empty if no probe is fresh: beat or the worker does not run."""
    stored = redis.get(KEY)
    return msgspec.json.decode(stored, type=list[Health]) if isinstance(stored, bytes) else []
