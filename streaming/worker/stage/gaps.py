"""How evenly a model server writes: the gaps between its pieces of text, counted into fixed buckets."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable

FIRST_MS = 0.1
GROWTH = 1.1  # from one bound to the next: a percentile is right within 5 %
BOUNDS_S = tuple(FIRST_MS / 1000 * GROWTH**n for n in range(141))  # the last one: a minute


class Gaps:
    __slots__ = ("counts", "last_at", "longest_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.longest_s = 0.0
        self.last_at = 0.0  # monotonic; 0: nothing came yet of this request

    def begin(self) -> None:
        """A request: what it waits for its first piece is no gap."""
        self.last_at = 0.0

    def note(self, at: float) -> None:
        """A piece of text came. Called for each: it allocates nothing that stays."""
        if self.last_at:
            gap = at - self.last_at
            self.counts[bisect_left(BOUNDS_S, gap)] += 1
            if gap > self.longest_s:
                self.longest_s = gap
        self.last_at = at


def gap_figures(several: Iterable[Gaps]) -> dict[str, float]:
    """Of all of them together, under the names of GenerationTiming's fields; empty without a gap."""
    known = list(several)
    counts = [sum(same) for same in zip(*(gaps.counts for gaps in known), strict=True)]
    if not sum(counts):
        return {}
    longest = max(gaps.longest_s for gaps in known)
    figures = {
        "gap_p50_ms": min(percentile(counts, 0.5), longest),
        "gap_p95_ms": min(percentile(counts, 0.95), longest),
        "gap_longest_ms": longest,
    }
    return {name: round(1000 * seconds, 3) for name, seconds in figures.items()}


def percentile(counts: list[int], share: float) -> float:
    """Seconds: the middle of the bucket below whose end this share lies."""
    rank, passed = math.ceil(share * sum(counts)), 0
    for bucket, count in enumerate(counts):
        passed += count
        if passed >= rank:
            return middle(bucket)
    return middle(len(counts))


def middle(bucket: int) -> float:
    return BOUNDS_S[0] if bucket == 0 else BOUNDS_S[bucket - 1] * math.sqrt(GROWTH)
