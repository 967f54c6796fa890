"""Histograms with fixed bucket bounds: those of different times or servers are merged by adding.

Bucket i holds the values above GROWTH**(i - 1), up to GROWTH**i; with GROWTH = (1 + ERROR) / (1 - ERROR), the estimate
2 * GROWTH**i / (GROWTH + 1) is within ERROR of each of them. The formula is DDSketch's (Masson, Rim, Lee: "DDSketch: A
fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019). GROWTH**0 = 1 is a bound, so the
share within one second is exact.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ERROR = 0.05
GROWTH = (1 + ERROR) / (1 - ERROR)
SMALLEST, LARGEST = 1e-4, 1e6  # values beyond are counted in the outermost buckets


def bucket_of(value: float) -> int:
    return math.ceil(math.log(min(max(value, SMALLEST), LARGEST), GROWTH))


def upper_bound(bucket: int) -> float:
    return GROWTH**bucket


def estimate(bucket: int) -> float:
    """Within ERROR of each value in the bucket."""
    return 2 * GROWTH**bucket / (GROWTH + 1)


@dataclass
class Histogram:
    buckets: Counter[int] = field(default_factory=Counter)
    sum: float = 0.0

    @property
    def count(self) -> int:
        return self.buckets.total()

    @property
    def mean(self) -> float | None:
        """Exact; None without values, here and below."""
        return self.sum / self.count if self.buckets else None

    def observe(self, value: float) -> None:
        self.buckets[bucket_of(value)] += 1
        self.sum += value

    def add(self, other: Histogram) -> None:
        self.buckets.update(other.buckets)
        self.sum += other.sum

    def add_json(self, data: Mapping[str, Any]) -> None:
        for bucket, count in data["buckets"]:
            self.buckets[bucket] += count
        self.sum += data["sum"]

    def quantile(self, share: float) -> float | None:
        """The quantile by nearest rank, within ERROR; None without values."""
        place = max(math.ceil(share * self.count - 1e-9), 1) - 1
        for bucket in sorted(self.buckets):
            place -= self.buckets[bucket]
            if place < 0:
                return estimate(bucket)
        return None

    @property
    def p50(self) -> float | None:
        return self.quantile(0.5)

    @property
    def p95(self) -> float | None:
        return self.quantile(0.95)

    @property
    def p99(self) -> float | None:
        return self.quantile(0.99)

    def count_within(self, last: int) -> int:
        """The number of values up to the upper bound of bucket ``last``."""
        return sum(count for bucket, count in self.buckets.items() if bucket <= last)

    def share_within(self, bound: float) -> float | None:
        """The share of values up to ``bound``; exact if that is a power of GROWTH, such as 1."""
        return self.count_within(bucket_of(bound)) / self.count if self.buckets else None

    def as_json(self) -> dict[str, Any]:
        return {"sum": round(self.sum, 6), "buckets": sorted(self.buckets.items())}
