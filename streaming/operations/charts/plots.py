"""Line plots over time, computed on the server: axes with round numbers, gaps where values are unknown.

Positions are percentages of the plot, so that it fits every width. templates/operations/charts/_plot.html draws it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.utils import timezone

from streaming.operations.queries.ranges import Range

SCALE = 1000  # of the lines' own coordinates, on both axes
TICKS_Y, TICKS_X = 4, 7  # at most, approximately
FEW_TICKS = 4  # always fit
STEPS = (1, 2, 5, 10)
TIME_STEPS = [
    *(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 7, 14, 28, 91, 182, 365)),
]
DAY = timedelta(days=1)

Value = float | None
Words = Callable[[float], str]


@dataclass(frozen=True)
class Series:
    """A value for each bin; None: unknown."""

    label: str
    values: Sequence[Value]

    @property
    def last(self) -> Value:
        """The last known value; None if there is none."""
        return next((value for value in reversed(self.values) if value is not None), None)


@dataclass(frozen=True)
class Tick:
    place: float  # percent of the plot
    label: str
    is_minor: bool = False  # hidden where there is little room


@dataclass(frozen=True)
class Line:
    label: str
    path: str  # SVG path, in units of SCALE
    last: str


@dataclass(frozen=True)
class Column:
    """A bin, with its tooltip."""

    place: float
    width: float
    title: str


@dataclass
class Plot:
    """``words`` formats a value with its unit."""

    title: str
    series: Sequence[Series]
    range: Range
    words: Words
    least_top: float = 0.0  # minimum for the top of the y axis
    note: str = ""

    @property
    def is_empty(self) -> bool:
        return all(series.last is None for series in self.series)

    @cached_property
    def top(self) -> float:
        known = [value for one in self.series for value in one.values if value is not None]
        return round_top(max([self.least_top, *known]))

    @property
    def lines(self) -> list[Line]:
        return [Line(one.label, path_of(one.values, self.top), self._last(one)) for one in self.series]

    @property
    def up(self) -> list[Tick]:
        return [Tick(round(100 * (1 - value / self.top), 3), self.words(value)) for value in steps_to(self.top)]

    @property
    def across(self) -> list[Tick]:
        return time_ticks(self.range)

    @property
    def columns(self) -> Iterator[Column]:
        width = 100 / len(self.range.bins)
        for number, begin in enumerate(self.range.bins):
            known = [(one.label, value) for one in self.series if (value := one.values[number]) is not None]
            values = ", ".join(f"{label} {self.words(value)}" for label, value in known) or "no data"
            yield Column(round(number * width, 3), round(width, 3), f"{moment_words(begin, self.range)}: {values}")

    @property
    def open_bin(self) -> Column | None:
        """The last bin, if it is not over."""
        number = len(self.range.bins) - 1
        is_over = self.range.end >= self.range.begin + (number + 1) * self.range.bin
        width = 100 / (number + 1)
        return None if is_over else Column(round(number * width, 3), round(width, 3), "not over yet")

    def _last(self, series: Series) -> str:
        return "–" if series.last is None else self.words(series.last)


def path_of(values: Sequence[Value], top: float) -> str:
    """Through the centres of the bins; a new segment after each gap."""
    width = SCALE / len(values)
    path, is_drawing = [], False
    for number, value in enumerate(values):
        if value is not None:
            place = f"{(number + 0.5) * width:.1f} {SCALE * (1 - value / top):.1f}"
            # The h makes a lone value a dot.
            path.append(f"L{place}" if is_drawing else f"M{place}h0.01")
        is_drawing = value is not None
    return "".join(path)


def round_top(value: float) -> float:
    """The smallest multiple of a round step that is at least ``value``; 1 if ``value`` is zero."""
    if value <= 0:
        return 1.0
    step = round_step(value)
    return step * math.ceil(value / step - 1e-9)


def round_step(top: float) -> float:
    """1, 2 or 5 times a power of ten, so that about TICKS_Y steps reach ``top``."""
    rough = top / TICKS_Y
    unit = 10.0 ** math.floor(math.log10(rough))
    return next(step * unit for step in STEPS if step * unit >= rough * (1 - 1e-9))


def steps_to(top: float) -> list[float]:
    step = round_step(top)
    return [step * number for number in range(round(top / step) + 1)]


def time_ticks(scope: Range) -> list[Tick]:
    """At round times in the site's time zone."""
    length = scope.bin * len(scope.bins)
    step = next((step for step in TIME_STEPS if length / step <= TICKS_X), TIME_STEPS[-1])
    times = list(round_times(scope.begin, scope.begin + length, step))
    return [
        Tick(
            round(100 * ((moment - scope.begin) / length), 3),
            tick_words(moment, step),
            is_minor=len(times) > FEW_TICKS and number % 2 == 1,
        )
        for number, moment in enumerate(times)
    ]


def round_times(begin: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """Counted from midnight, or for steps of days from January 1. Around a clock change some are an hour off."""
    local = timezone.localtime(begin)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if step >= DAY:
        midnight = midnight.replace(day=1, month=1)
    moment = midnight + -(-(local - midnight) // step) * step
    while moment < end:
        yield moment
        moment += step


def tick_words(moment: datetime, step: timedelta) -> str:
    is_midnight = moment.hour == moment.minute == 0
    return day_words(moment) if is_midnight or step >= DAY else f"{moment:%H:%M}"


def moment_words(moment: datetime, scope: Range) -> str:
    local = timezone.localtime(moment)
    return day_words(local) if scope.bin >= DAY else f"{day_words(local)}, {local:%H:%M}"


def day_words(moment: datetime) -> str:
    return f"{moment:%b} {moment.day}"
