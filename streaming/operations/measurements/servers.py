"""What is known of one model server: from itself, from our workers, and from our rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from conversations import site_time
from streaming.model_servers.vllm.metrics import (
    ACCEPTED,
    CACHE_HITS,
    CACHE_QUERIES,
    DRAFTED,
    KV_CACHE,
    PREEMPTIONS,
    RUNNING,
    WAITING,
)
from streaming.planning.tiers import TierSpec
from streaming.telemetry.heartbeats import WorkerState

from .answers import ended_since, sample_of
from .live import ServerState
from .paces import measured_of

LATELY = timedelta(minutes=15)


@dataclass(frozen=True)
class Fact:
    name: str
    text: str = ""  # empty: unknown
    aside: str = ""
    lacking: str = "not reported"  # shown in place of an empty text


@dataclass(frozen=True)
class Pace:
    """Measured on the rows of answers that ended lately; None: no measurement."""

    first_token_s: float | None = None  # after the request, p50
    tokens_per_second: float | None = None  # of one answer, p50


def facts_of_probe(state: ServerState) -> list[Fact]:
    """What the server itself reports; empty if it is down, or was not probed lately."""
    if state.probe is None or not state.is_up:
        return []
    gauges, counters, gained = state.probe.gauges, state.probe.counters, state.probe.gained

    def share(name: str, part: str, whole: str) -> Fact:
        lately = ratio(gained, part, whole)
        return Fact(name, as_text("{:.0%}", ratio(counters, part, whole)), as_text("{:.0%} lately", lately))

    def count(name: str, counter: str) -> Fact:
        return Fact(name, as_text("{:.0f}", counters.get(counter)), as_text("{:.0f} lately", gained.get(counter)))

    return [
        Fact("Running there", as_text("{:.0f}", gauges.get(RUNNING))),
        Fact("Waiting there", as_text("{:.0f}", gauges.get(WAITING))),
        Fact("KV cache in use", as_text("{:.0%}", gauges.get(KV_CACHE))),
        share("Prefix cache hits", CACHE_HITS, CACHE_QUERIES),
        count("Preemptions", PREEMPTIONS),
        share("Drafts accepted", ACCEPTED, DRAFTED),
        Fact("Probe took", as_text("{:.0f} ms", 1000 * state.probe.seconds)),
    ]


def ratio(counters: Mapping[str, float], part: str, whole: str) -> float | None:
    """None without both, or before anything was counted."""
    return counters[part] / counters[whole] if part in counters and counters.get(whole) else None


def our_facts(name: str, workers: Sequence[WorkerState], tiers: Sequence[TierSpec], pace: Pace) -> list[Fact]:
    requests = sum(worker.requests.get(name, 0) for worker in workers)
    limits = [tier.max_parallel for tier in tiers if name in names_of(tier) and tier.max_parallel is not None]
    limit = f"of {min(limits) * len(workers)}" if limits else "without a limit"
    return [
        Fact("Our requests there", str(requests), limit),
        Fact("First token after the request", as_text("{:.3f} s", pace.first_token_s), "p50", "none lately"),
        Fact("Tokens/s of one answer", as_text("{:.1f}", pace.tokens_per_second), "p50", "none lately"),
    ]


def as_text(pattern: str, value: float | None) -> str:
    return "" if value is None else pattern.format(value)


def paces_by_server() -> dict[str, Pace]:
    """Of answers that ended lately. One query."""
    sample = sample_of(ended_since(site_time.now() - LATELY).exclude(server=""))
    waits: defaultdict[str, list[float]] = defaultdict(list)
    rates: defaultdict[str, list[float]] = defaultdict(list)
    for (server, _), measured in measured_of(sample).items():
        waits[server] += [value for _, value in measured.waits.values]
        rates[server] += [value for _, value in measured.rates.values]
    return {name: Pace(median_of(waits[name]), median_of(rates[name])) for name in {*waits, *rates}}


def median_of(values: Sequence[float]) -> float | None:
    """None without values."""
    return median(values) if values else None


def names_of(tier: TierSpec) -> list[str]:
    return [server.key for server in (tier.server, *tier.others)]
