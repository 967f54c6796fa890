"""Gauges of this moment for the history: sampled by a task, kept by the minute, hour and day."""

from __future__ import annotations

from collections.abc import Iterable

from redis.exceptions import RedisError

from conversations import site_time
from conversations.models import Sample
from conversations.models.generation.generation import Status
from conversations.models.operations.history import Gauge
from streaming.coordination.redis_clients import open_sync_client
from streaming.model_servers.probes import Health, last_probes
from streaming.model_servers.vllm.metrics import WRITTEN
from streaming.operations.measurements.answers import unfinished_counts

from .heartbeats import WebState, living

TIMEOUT_S = 2.0


def sample() -> None:
    """Without Redis, only the gauges from the database."""
    counted = unfinished_counts()
    values: dict[str, float] = {Gauge.RUNNING: counted[Status.RUNNING], Gauge.QUEUED: counted[Status.QUEUED]}
    try:
        with open_sync_client(TIMEOUT_S) as redis:
            values |= {Gauge.SOCKETS: sum(web.sockets for web in living(redis, WebState))}
            values |= written_per_second(last_probes(redis))
    except (RedisError, OSError):
        # Unknown values are left out.
        pass
    Sample.take(site_time.now(), values)


def written_per_second(probes: Iterable[Health]) -> dict[str, float]:
    """The sum over all servers, between their last two probes; empty if no server reports it."""
    rates = [probe.gained[WRITTEN] / probe.gained_in_s for probe in probes if WRITTEN in probe.gained]
    return {Gauge.TOKENS_PER_SECOND: round(sum(rates), 3)} if rates else {}
