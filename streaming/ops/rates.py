"""What a model server's own counters say, in words. Of what it does not count, or has not done yet, nothing is said."""

from __future__ import annotations

from collections.abc import Mapping

from streaming.model_health import Health
from streaming.vllm.figures import ACCEPTED, CACHE_HITS, CACHE_QUERIES, DRAFTED, PREEMPTIONS


def rates_of(probe: Health) -> list[str]:
    return [
        *share(probe, "drafts accepted", ACCEPTED, DRAFTED),
        *share(probe, "prefix cache hits", CACHE_HITS, CACHE_QUERIES),
        *preemptions(probe),
    ]


def share(probe: Health, what: str, part: str, whole: str) -> list[str]:
    over_all = ratio(probe.counters, part, whole)
    if over_all is None:
        return []
    lately = ratio(probe.gained, part, whole)
    return [f"{what} {over_all:.0%} over all" + (f", {lately:.0%} since the last probe" if lately is not None else "")]


def ratio(counters: Mapping[str, float], part: str, whole: str) -> float | None:
    """None without both, or before anything was counted."""
    return counters[part] / counters[whole] if part in counters and counters.get(whole) else None


def preemptions(probe: Health) -> list[str]:
    if PREEMPTIONS not in probe.counters:
        return []
    count, lately = probe.counters[PREEMPTIONS], probe.gained.get(PREEMPTIONS)
    words = f"{count:.0f} preemption{'' if count == 1 else 's'}"
    return [f"{words}, {lately:.0f} since the last probe" if lately else words]
