"""What we want to reach. Beside a run's figures, each says whether it is."""

from __future__ import annotations

from dataclasses import dataclass

from .figures import Figure


@dataclass(frozen=True)
class Target:
    most: float

    def is_met(self, figure: Figure) -> bool:
        return figure.value <= self.most

    def __str__(self) -> str:
        return f"≤ {self.most:g}"


# By the figure's name, and the number of streams where it is one of a series. Units are the figure's.
TARGETS = {
    ("added TTFT p50", None): Target(8),
    ("added TTFT p99", None): Target(20),
    ("added lag p95", 50): Target(8),
    ("added lag p95", 100): Target(12),
    ("added lag p95", 200): Target(25),
    ("added lag p95", 500): Target(100),
    ("CPU per token, site", 100): Target(150),
    ("memory, idle, site", None): Target(400),
    ("bytes to Redis per byte of text", 100): Target(3),
    ("stop p95", None): Target(150),
    ("reload to caught-up text p95", None): Target(500),
    ("memory per idle socket", None): Target(60),
}
UNNOTICED = Target(2)  # ms that idle sockets may add to the lag of others, whatever their number


def target_of(figure: Figure) -> Target | None:
    return UNNOTICED if figure.name == "added by idle sockets" else TARGETS.get(figure.key)
