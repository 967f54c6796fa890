"""What Redis knows of processes and model servers at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from redis.exceptions import RedisError

from conversations import site_time
from streaming.coordination.redis_clients import open_sync_client
from streaming.model_servers.breaker import BreakerState
from streaming.model_servers.capabilities import Subject, known_capabilities
from streaming.model_servers.drains import Drain, drains
from streaming.model_servers.probes import Health, last_probes
from streaming.model_servers.vllm.metrics import KV_CACHE, RUNNING, WAITING
from streaming.model_servers.warmth import TierWarmth, warmth_of
from streaming.planning.tiers import TierSpec, known_tiers
from streaming.telemetry import counters
from streaming.telemetry.heartbeats import BackgroundState, BeatState, State, WebState, WorkerState, living
from streaming.telemetry.watchdog import Replaced, replaced_since

from .stores import RedisStats, redis_stats

REPLACED_LATELY = timedelta(hours=1)
FALLBACK_WORDS = {
    counters.OTHER_TIER: "by another tier",
    counters.WHOLE: "as a whole, since they could not be streamed",
    counters.STAGE_LEFT_OUT: "with a stage left out",
    counters.BUDGET: "cheaper, by the budget",
}
PROBED_WITHIN = timedelta(seconds=30)  # beat schedules a probe every 10 s; an older one says little


@dataclass(frozen=True)
class ServerState:
    name: str  # its key, usually host and port
    probe: Health | None  # the last one
    breakers: list[str] = field(default_factory=list)  # state in each worker
    warmths: list[TierWarmth] = field(default_factory=list)  # of its tiers; empty if models are not kept warm
    label: str = ""  # the admins' name for it
    is_new: bool = False  # not probed yet, while others are
    drained: Drain | None = None  # None: it gets requests

    @property
    def called(self) -> str:
        return self.label or self.name

    @property
    def left_alone(self) -> str:
        """How many workers currently send it no requests, or a single trial request; empty if none."""
        if not (shut := [state for state in self.breakers if state != BreakerState.CLOSED]):
            return ""
        trying = sum(state == BreakerState.HALF_OPEN for state in shut)
        words = f"left alone by {len(shut)} of {len(self.breakers)} workers"
        return f"{words}, {trying} about to try it again" if trying else words

    @property
    def age(self) -> timedelta | None:
        return site_time.now() - self.probe.probed_at if self.probe else None

    @property
    def is_fresh(self) -> bool:
        return self.age is not None and self.age <= PROBED_WITHIN

    @property
    def is_up(self) -> bool:
        return self.is_fresh and self.probe is not None and self.probe.healthy

    @property
    def word(self) -> str:
        if self.is_new:
            return "new"
        return ("healthy" if self.is_up else "down") if self.is_fresh else "unknown"

    @property
    def tiers(self) -> list[TierWarmth]:
        """Empty while the server is down: nothing stays warm."""
        return [] if self.word == "down" else self.warmths

    @property
    def gauges(self) -> list[str]:
        """vLLM's own gauges in words, as far as it reports them."""
        values = self.probe.gauges if self.probe else {}
        words = {
            RUNNING: "{:.0f} running",
            WAITING: "{:.0f} waiting",
            KV_CACHE: "KV cache {:.0%}",  # a ratio, despite its name
        }
        return [words[name].format(values[name]) for name in words if name in values]


@dataclass(frozen=True)
class Live:
    servers: list[ServerState]
    workers: list[WorkerState] = field(default_factory=list)
    webs: list[WebState] = field(default_factory=list)
    beats: list[BeatState] = field(default_factory=list)
    backgrounds: list[BackgroundState] = field(default_factory=list)
    redis: RedisStats | None = None  # None: Redis is down, and nothing above is known
    fallbacks: list[tuple[str, int]] = field(default_factory=list)  # in words, with the total count; without zeros
    capabilities: dict[Subject, str] = field(default_factory=dict)  # of model servers, as workers learned them
    replaced: list[Replaced] = field(default_factory=list)  # lately

    @property
    def processes(self) -> list[State]:
        return [*self.webs, *self.workers, *self.backgrounds, *self.beats]

    @property
    def sockets(self) -> int:
        return sum(web.sockets for web in self.webs)

    @property
    def waiting(self) -> int:
        """Sockets whose pages do not read what they are sent."""
        return sum(web.waiting for web in self.webs)

    @property
    def up(self) -> int:
        return sum(server.is_up for server in self.servers)

    @property
    def attempts(self) -> int:
        return sum(worker.running for worker in self.workers)


def live() -> Live:
    tiers = known_tiers()
    try:
        with open_sync_client() as redis:
            stats, workers = redis_stats(redis), living(redis, WorkerState)
            servers = server_states(tiers, last_probes(redis), workers, warmth_of(redis, tiers), drains(redis))
            webs, beats = living(redis, WebState), living(redis, BeatState)
            backgrounds, fallbacks = living(redis, BackgroundState), fallbacks_in(counters.read(redis))
            capabilities = known_capabilities(redis)
            replaced = replaced_since(redis, site_time.now() - REPLACED_LATELY)
            return Live(servers, workers, webs, beats, backgrounds, stats, fallbacks, capabilities, replaced)
    except (RedisError, OSError):
        return Live(server_states(tiers, [], [], [], {}))


def fallbacks_in(counted: Mapping[str, float]) -> list[tuple[str, int]]:
    found = [(words, int(counted.get(f"{counters.FALLBACK}:{way}", 0))) for way, words in FALLBACK_WORDS.items()]
    return [(words, count) for words, count in found if count]


def server_states(
    tiers: list[TierSpec],
    probes: list[Health],
    workers: list[WorkerState],
    warmths: list[TierWarmth],
    drained: dict[str, Drain],
) -> list[ServerState]:
    """Configured servers first, then others that were probed: this process may be older than the worker."""
    by_name = {probe.server: probe for probe in probes}
    labels = {server.key: tier.server_label for tier in tiers for server in (tier.server, *tier.others)}
    are_probed = any(site_time.now() - probe.probed_at <= PROBED_WITHIN for probe in probes)
    return [
        ServerState(
            name,
            by_name.get(name),
            [worker.breakers[name] for worker in workers if name in worker.breakers],
            [warmth for warmth in warmths if warmth.server == name],
            labels.get(name, ""),
            is_new=are_probed and name not in by_name,
            drained=drained.get(name),
        )
        for name in dict.fromkeys([*labels, *by_name])
    ]
