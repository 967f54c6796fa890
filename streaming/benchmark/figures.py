"""A run's result: figures by name and number of streams, their targets, and the machine and options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

# Factors, from seconds and bytes.
MS, US, MB, KB = 1e3, 1e6, 1e-6, 1e-3

# (name of a figure, number of streams) → its maximum, in the figure's unit.
TARGETS = {
    ("added TTFT p50", None): 8,
    ("added TTFT p99", None): 20,
    ("added lag p95", 50): 8,
    ("added lag p95", 100): 12,
    ("added lag p95", 200): 25,
    ("added lag p95", 500): 100,
    ("CPU per token, site", 100): 150,
    ("memory, idle, site", None): 400,
    ("bytes to Redis per byte of text", 100): 3,
    ("stop p95", None): 150,
    ("reload to caught-up text p95", None): 500,
    ("memory per idle socket", None): 60,
    ("added by idle sockets", None): 2,
}


class Figure(msgspec.Struct, frozen=True):
    name: str
    value: float
    unit: str
    streams: int | None = None  # how many were running, for figures of a series

    @property
    def key(self) -> tuple[str, int | None]:
        return self.name, self.streams

    @property
    def target(self) -> float | None:
        return TARGETS.get(self.key)


class Result(msgspec.Struct):
    at: str  # date and time
    machine: str
    options: str
    figures: list[Figure] = []

    def series(self, name: str) -> list[tuple[int, float]]:
        return sorted((f.streams, f.value) for f in self.figures if f.name == name and f.streams is not None)


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: returns the smallest value that ``share`` percent of the values do not exceed.

    Raises ValueError if there are no values.
    """
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(math.ceil(len(values) * share / 100), 1) - 1]


def percentiles(name: str, seconds: Sequence[float], streams: int | None = None) -> list[Figure]:
    return [Figure(f"{name} p{share}", percentile(seconds, share) * MS, "ms", streams) for share in (50, 95, 99)]


def store(result: Result, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")


def load(path: Path) -> Result:
    """Raises OSError, msgspec.DecodeError."""
    return msgspec.json.decode(path.read_bytes(), type=Result)
