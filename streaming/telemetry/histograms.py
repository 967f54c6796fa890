"""Durations in fixed buckets, which can be added up over processes and time. Counters are named `histogram:bound`."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping

TIME_TO_FIRST_TOKEN = "time_to_first_token"
MODEL_TIME_TO_FIRST_TOKEN = "model_time_to_first_token"
FELT_TIME_TO_FIRST_TOKEN = "felt_time_to_first_token"
QUEUE_WAIT = "queue_wait"
DURATION = "duration"
TIME_TO_STOP = "time_to_stop"
INTER_TOKEN = "inter_token"
HUB_LAG = "hub_lag"

FIRST_TOKEN_S = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
# Upper bounds, in seconds; above the last is infinity.
BOUNDS_S = {
    TIME_TO_FIRST_TOKEN: FIRST_TOKEN_S,
    MODEL_TIME_TO_FIRST_TOKEN: FIRST_TOKEN_S,
    FELT_TIME_TO_FIRST_TOKEN: FIRST_TOKEN_S,
    QUEUE_WAIT: (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
    DURATION: (0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0),
    TIME_TO_STOP: (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    INTER_TOKEN: (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    HUB_LAG: (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
}


def bucket_of(name: str, seconds: float) -> str:
    """Its upper bound; "+Inf" above the last."""
    return bound_of(name, bisect_left(BOUNDS_S[name], seconds))


def count_in_buckets(name: str, durations: Iterable[float]) -> dict[str, int]:
    """What these add to which counter; their names are made once each, not for every duration."""
    bounds = BOUNDS_S[name]
    found = Counter(bisect_left(bounds, seconds) for seconds in durations)
    return {f"{name}:{bound_of(name, index)}": count for index, count in found.items()}


def bound_of(name: str, index: int) -> str:
    bounds = BOUNDS_S[name]
    return str(bounds[index]) if index < len(bounds) else "+Inf"


def buckets(name: str, counters: Mapping[str, float]) -> list[tuple[str, float]]:
    """As Prometheus wants them: cumulative, the last one is the count."""
    found: list[tuple[str, float]] = []
    total = 0.0
    for bound in BOUNDS_S[name]:
        total += counters.get(f"{name}:{bound}", 0)
        found.append((str(bound), total))
    return [*found, ("+Inf", counters.get(f"{name}:count", 0))]
