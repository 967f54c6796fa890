"""Where time goes: the phases of answers by tier and server, and the percentiles of one measure over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conversations.models.generation.timeline import PHASES
from conversations.models.operations.histogram import Histogram
from conversations.models.operations.measuring import Dimension
from conversations.models.operations.stats import Measure, Stats
from streaming.operations.charts.units import number_words, seconds_words
from streaming.operations.measurements.timeline import Timeline, timeline
from streaming.operations.queries.ranges import QueryForm, form_of

from .access import for_operators
from .fragments import served_as_fragment
from .history import percentiles, plot, rows_of

BESIDE = (Measure.PERCEIVED, Measure.FIRST_TOKEN, Measure.DURATION)  # columns of the table beside the phases
HEADS = (*(phase.capitalize() for phase in PHASES), "Perceived TTFT", "First token", "Whole answer")


@dataclass(frozen=True)
class Segment:
    """A segment of a bar, in percent of the longest bar."""

    phase: str
    x: float
    width: float
    words: str


@dataclass(frozen=True)
class Part:
    """The answers of one tier from one server."""

    tier: str
    server: str
    answers: int
    mean: str
    segments: list[Segment]
    percentiles: list[tuple[str, str]]  # p50 and p95 of each of HEADS

    @property
    def summary(self) -> str:
        return ", ".join(f"{segment.phase} {segment.words}" for segment in self.segments)


@require_safe
@for_operators
@served_as_fragment
def latency(request: HttpRequest) -> HttpResponse:
    """Three queries."""
    form = form_of(request, Measure.choices)
    return render(request, "operations/latency.html", context_of(form))


def context_of(form: QueryForm) -> dict[str, object]:
    params = form.params
    measure = Measure(params.figure or Measure.FIRST_TOKEN)
    found = timeline(params, [measure], [*PHASES, *BESIDE])
    words = number_words if measure is Measure.SPEED else seconds_words
    over_time = plot(found, measure.label, percentiles(measure), words)
    return {
        "form": form,
        "params": params,
        "live": params.range.is_short,
        "parts": parts_of(found),
        "phases": PHASES,
        "heads": HEADS,
        "plots": [over_time],
        "rows": list(rows_of(params, [over_time])),
    }


def parts_of(found: Timeline) -> list[Part]:
    """The whole site first, if there are several parts."""
    everything: Mapping[Dimension, Stats] = {key: value for key, value in found.parts.items() if value.answers}
    if len(everything) > 1:
        everything = {Dimension("All", ""): found.whole, **everything}
    longest = max((mean_of(stats) for stats in everything.values()), default=0.0)
    return [part_of(key, stats, longest) for key, stats in everything.items()]


def mean_of(stats: Stats) -> float:
    return sum(stats.of(phase).sum for phase in PHASES) / stats.answers


def part_of(key: Dimension, stats: Stats, longest: float) -> Part:
    return Part(
        tier=key.tier or "none",
        server=key.server,
        answers=stats.answers,
        mean=seconds_words(mean_of(stats)),
        segments=list(segments_of(stats, longest)),
        percentiles=[percentiles_of(stats.of(name)) for name in (*PHASES, *BESIDE)],
    )


def segments_of(stats: Stats, longest: float) -> Iterator[Segment]:
    """Mean seconds of each phase over all answers, also those without the phase, so that they add up to the mean."""
    x = 0.0
    for phase in PHASES if longest else ():
        mean = stats.of(phase).sum / stats.answers
        width = 100 * mean / longest
        yield Segment(phase, round(x, 3), round(width, 3), seconds_words(mean))
        x += width


def percentiles_of(histogram: Histogram) -> tuple[str, str]:
    return quantile_words(histogram, 0.5), quantile_words(histogram, 0.95)


def quantile_words(histogram: Histogram, share: float) -> str:
    value = histogram.quantile(share)
    return "–" if value is None else seconds_words(value)
