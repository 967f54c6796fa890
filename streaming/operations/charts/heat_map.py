"""A heat map: when (across) how many answers took how long (up). Places are shares of the picture, in percent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from conversations.models.operations.histogram import Histogram, upper_bound
from streaming.operations.queries.ranges import Range

from .plots import Tick, Words, moment_words, time_ticks

BUCKETS_PER_ROW = 4  # bounds of rows are a factor of about 1.5 apart, and 1 is one of them
FEWEST_ROWS = 8
SHADES = 5
ROUND = (1, 2, 5)


@dataclass(frozen=True)
class Cell:
    x: float
    y: float
    shade: int  # 1 to SHADES
    title: str


@dataclass(frozen=True)
class Shade:
    shade: int
    counts: str


@dataclass
class Heat:
    """``histograms`` are of the bins; None where nothing is known."""

    scope: Range
    histograms: Sequence[Histogram | None]
    words: Words

    @cached_property
    def counts(self) -> list[Counter[int] | None]:
        """By row, of each bin. Row r is up to ``bound(r)``."""
        return [by_row(histogram) if histogram else None for histogram in self.histograms]

    @cached_property
    def rows(self) -> range:
        """With anything in them, and some more; from below."""
        used = {row for counts in self.counts if counts for row in counts}
        first, last = (min(used), max(used)) if used else (-1, 0)
        missing = max(FEWEST_ROWS - (last - first + 1), 0)
        return range(first - (missing + 1) // 2, last + missing // 2 + 1)

    @cached_property
    def bounds(self) -> list[int]:
        """The largest count of each shade: evenly apart on a logarithmic scale."""
        most = max((count for counts in self.counts if counts for count in counts.values()), default=1)
        return sorted({round(most ** (step / SHADES)) for step in range(1, SHADES + 1)})

    @property
    def is_empty(self) -> bool:
        return not any(self.counts)

    @property
    def width(self) -> float:
        return round(100 / len(self.histograms), 3)

    @property
    def height(self) -> float:
        return round(100 / len(self.rows), 3)

    @property
    def cells(self) -> Iterator[Cell]:
        for number, (begin, counts) in enumerate(zip(self.scope.bins, self.counts, strict=True)):
            when = moment_words(begin, self.scope)
            for row, count in sorted((counts or {}).items()):
                title = f"{when}, {self.row_words(row)}: {count}"
                yield Cell(self.place(number), self.place_up(row), self.shade_of(count), title)

    @property
    def unknown(self) -> list[float]:
        """Where bins are of which nothing is known."""
        return [self.place(number) for number, counts in enumerate(self.counts) if counts is None]

    @property
    def legend(self) -> list[Shade]:
        lasts = [0, *self.bounds]
        return [
            Shade(self.shade_of(last), f"{before + 1}–{last}" if last > before + 1 else str(last))
            for before, last in pairwise(lasts)
        ]

    @property
    def across(self) -> list[Tick]:
        return time_ticks(self.scope)

    @property
    def up(self) -> list[Tick]:
        low, high = math.log(bound(self.rows[0] - 1)), math.log(bound(self.rows[-1]))
        decades = range(math.floor(low / math.log(10)), math.ceil(high / math.log(10)) + 1)
        values = [step * 10.0**decade for decade in decades for step in ROUND]
        return [
            Tick(round(100 * (high - math.log(value)) / (high - low), 3), self.words(value))
            for value in values
            if low <= math.log(value) <= high
        ]

    def place(self, number: int) -> float:
        return round(100 * number / len(self.histograms), 3)

    def place_up(self, row: int) -> float:
        return round(100 * (self.rows[-1] - row) / len(self.rows), 3)

    def shade_of(self, count: int) -> int:
        fewer = sum(count > last for last in self.bounds)
        return SHADES - len(self.bounds) + 1 + fewer

    def row_words(self, row: int) -> str:
        return f"{self.words(bound(row - 1))} to {self.words(bound(row))}"


def bound(row: int) -> float:
    return upper_bound(row * BUCKETS_PER_ROW)


def by_row(histogram: Histogram) -> Counter[int]:
    rows: Counter[int] = Counter()
    for bucket, count in histogram.buckets.items():
        rows[-(-bucket // BUCKETS_PER_ROW)] += count
    return rows
