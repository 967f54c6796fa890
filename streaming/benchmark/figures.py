"""A run's result: figures by name and number of streams, and what they were measured with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from .percentiles import Spread

MS, US, MB, KB = 1e3, 1e6, 1e-6, 1e-3  # factors, from seconds and bytes


class Figure(msgspec.Struct, frozen=True):
    name: str
    value: float
    unit: str
    streams: int | None = None  # that ran at the time, where it is one of a series

    @property
    def key(self) -> tuple[str, int | None]:
        return self.name, self.streams


class Result(msgspec.Struct):
    at: str  # date and time
    machine: str
    options: str
    figures: list[Figure] = []

    def value(self, name: str, streams: int | None = None) -> float | None:
        return next((figure.value for figure in self.figures if figure.key == (name, streams)), None)

    def series(self, name: str) -> list[tuple[int, float]]:
        found = [(figure.streams, figure.value) for figure in self.figures if figure.name == name]
        return [(streams, value) for streams, value in found if streams is not None]


def spread_of(name: str, spread: Spread, streams: int | None = None) -> Iterator[Figure]:
    """Of seconds, as milliseconds."""
    for share in ("p50", "p95", "p99"):
        yield Figure(f"{name} {share}", getattr(spread, share) * MS, "ms", streams)


def store(result: Result, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")


def load(path: Path) -> Result:
    """Raises OSError, msgspec.DecodeError."""
    return msgspec.json.decode(path.read_bytes(), type=Result)
