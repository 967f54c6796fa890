"""Problems of the site's own processes, in words that follow the process's name: the same rules for all pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from streaming.coordination.redis_clock import WRONG
from streaming.telemetry.heartbeats import BackgroundState, BeatState, State, WebState, WorkerState
from streaming.telemetry.process_stats import versions

LATE_MS = 50.0  # p95 lag of an event loop
BEAT_LATE_MS = 1000.0
BUSY_CORES = 0.9  # a Python process can hardly use more than one core
STARTING = timedelta(seconds=20)  # by then imports and first connections no longer count in the stats
KINDS: dict[type[State], str] = {
    WebState: "Web",
    WorkerState: "Worker",
    BackgroundState: "Background",
    BeatState: "Beat",
}


def name_of(state: State) -> str:
    return f"{KINDS[type(state)]} {state.process}"


def problems_of(state: State) -> Iterator[str]:
    if isinstance(state, WorkerState) and 0 < state.limit <= state.running:
        yield f"it runs all {state.limit} answers that it may; further ones wait in the queue. Start another worker."
    if abs(state.clock_s) >= WRONG.total_seconds():
        way = "ahead of" if state.clock_s > 0 else "behind"
        yield f"its clock is {abs(state.clock_s):.0f} s {way} Redis'. Set its machine's time by NTP."
    yield from strains_of(state)
    yield from differences_of(state)


def strains_of(state: State) -> Iterator[str]:
    """The process, or its machine, has more to do than it can. Empty for a process that has just started."""
    stats = state.stats
    if stats is None or state.told_at - stats.started_at < STARTING:
        return
    lag = stats.lag
    if isinstance(state, BeatState):
        if lag and lag.p95_ms > BEAT_LATE_MS:
            yield f"it sends its sweeps {lag.p95_ms:.0f} ms late (p95). Its machine has too much to do."
        return
    if lag and lag.p95_ms > LATE_MS:
        yield f"it wakes {lag.p95_ms:.0f} ms late (p95), and all that it does waits that long. Start another one."
    if stats.cpu > BUSY_CORES:
        yield f"it keeps {stats.cpu:.1f} cores busy, and can hardly do more. Start another one, where a core is free."


def differences_of(state: State) -> Iterator[str]:
    """Versions that differ from those of this process."""
    theirs, ours = state.stats.versions if state.stats else versions(), versions()
    if differing := [name for name in ours if theirs.get(name) != ours[name]]:
        words = ", ".join(f"{name} {theirs.get(name, 'of an unknown version')}" for name in differing)
        yield f"it runs {words}, other than the process that shows this page. Restart the older one."
