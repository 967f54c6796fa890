"""How many requests wait at a model server: by its last probe, or by its /metrics if a request here waits for long."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from conversations import site_time

from .probes import read_last_probes
from .vllm.client import ModelServer, ServerKey, ask
from .vllm.errors import ModelServerError
from .vllm.metrics import WAITING, gauge

logger = logging.getLogger(__name__)

FRESH_S = 15.0  # older probes say nothing about a queue
PATIENCE_S = 1.0  # after a longer wait, the server itself is asked
LOOK_TIMEOUT_S = 1.0
BLIND_S = 60.0  # before a server that did not report its queue is asked again


@dataclass(frozen=True)
class Queue:
    waiting: int  # requests that the server has not started
    at: float  # when it was measured, by the monotonic clock


class Queues:
    def __init__(self, redis: Redis, http: httpx.AsyncClient):
        self._redis = redis
        self._http = http
        self._blind_until: dict[ModelServer, float] = {}

    async def of(self, waited: Mapping[ModelServer, float]) -> dict[ModelServer, Queue]:
        """Returns the queues of the servers that report them. ``waited``: the longest wait at each, in seconds."""
        now = time.monotonic()
        asked = [s for s, wait in waited.items() if wait > PATIENCE_S and self._blind_until.get(s, 0.0) < now]
        looks = dict(zip(asked, await asyncio.gather(*map(self._look, asked)), strict=True))
        known = {server: queue for server, queue in looks.items() if queue}
        if len(known) == len(waited):
            return known
        probed = await self._lengths_of_last_probes()
        return {server: probed[server.key] for server in waited if server.key in probed} | known

    async def _look(self, server: ModelServer) -> Queue | None:
        at = time.monotonic()
        try:
            reply = await ask(self._http, server, "GET", f"{server.root}/metrics", LOOK_TIMEOUT_S)
        except ModelServerError as error:
            logger.info("%s did not report its queue: %s", server.name, error)
            waiting = None
        else:
            waiting = gauge(reply.decode("utf-8", "replace"), WAITING)
        if waiting is None:
            self._blind_until[server] = at + BLIND_S
            return None
        return Queue(round(waiting), at)

    async def _lengths_of_last_probes(self) -> dict[ServerKey, Queue]:
        """Queues by recent probes."""
        try:
            probes = await read_last_probes(self._redis)
        except (RedisError, OSError) as error:
            logger.warning("the last probes of model servers could not be read: %s", error)
            return {}
        now, clock = site_time.now(), time.monotonic()
        ages = [(probe, (now - probe.probed_at).total_seconds()) for probe in probes]
        return {
            probe.server: Queue(round(probe.gauges[WAITING]), clock - age)
            for probe, age in ages
            if age <= FRESH_S and WAITING in probe.gauges
        }
