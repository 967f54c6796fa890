"""Stacked bar charts over time: plots whose series add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from .plots import Plot, Series, round_top

GAP = 0.2  # of a bin's width, between two columns
COLOURS = 5  # defined in plot.css
OTHERS = "others"


@dataclass(frozen=True)
class Bar:
    """Positions and sizes in percent of the plot."""

    series: int  # from 1
    x: float
    width: float
    y: float
    height: float


class Stack(Plot):
    @cached_property
    def top(self) -> float:
        return round_top(max([self.least_top, *self.sums]))

    @property
    def sums(self) -> list[float]:
        return [
            sum(value or 0.0 for value in values) for values in zip(*(one.values for one in self.series), strict=True)
        ]

    @property
    def bars(self) -> Iterator[Bar]:
        """Bottom to top in each bin."""
        room = 100 / len(self.range.bins)
        reached = [0.0] * len(self.range.bins)
        for number, one in enumerate(self.series, start=1):
            for place, value in enumerate(one.values):
                if value:
                    reached[place] += value
                    x, y = (place + GAP / 2) * room, 100 * (1 - reached[place] / self.top)
                    width, height = (1 - GAP) * room, 100 * value / self.top
                    yield Bar(number, *(round(of, 3) for of in (x, width, y, height)))


def few(series: Sequence[Series]) -> list[Series]:
    """At most COLOURS series: the smallest ones are merged if there are more."""
    if len(series) <= COLOURS:
        return list(series)
    by_size = sorted(series, key=lambda one: sum(value or 0.0 for value in one.values), reverse=True)
    kept, rest = by_size[: COLOURS - 1], by_size[COLOURS - 1 :]
    sums = [sum(value or 0.0 for value in values) for values in zip(*(one.values for one in rest), strict=True)]
    return [*kept, Series(OTHERS, sums)]
