"""The history of a range: plots of the stats that operators ask for, and the same values as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conversations.models.billing.money import amount_of
from conversations.models.generation.generation import Status
from conversations.models.operations import stats as names
from conversations.models.operations.history import Gauge
from conversations.models.operations.stats import Measure, Stats
from streaming.operations.charts.exports import FORMATS, Sheet, download, kind_of
from streaming.operations.charts.plots import Plot, Series, Value, moment_words
from streaming.operations.charts.units import money_words, number_words, percent_words, seconds_words
from streaming.operations.measurements.timeline import Bin, Timeline, timeline
from streaming.operations.queries.ranges import QueryParams, address_of, form_of

from .access import for_operators
from .fragments import served_as_fragment

MOST_ERRORS = 5  # error codes with a line of their own
MEASURES = (Measure.FIRST_TOKEN, Measure.PERCEIVED, Measure.GAP, Measure.QUEUED)  # shown as percentiles
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
Read = Callable[[Stats, Bin], Value]


@dataclass(frozen=True)
class Row:
    when: str
    cells: list[str]


@require_safe
@for_operators
@served_as_fragment
def history(request: HttpRequest) -> HttpResponse:
    """Three queries."""
    form = form_of(request)
    params = form.params
    plots = plots_of(timeline(params, MEASURES))
    context = {
        "form": form,
        "params": params,
        "live": params.range.is_short,
        "plots": plots,
        "rows": rows_of(params, plots),
        "files": [(kind, address_of(request, format=kind)) for kind in FORMATS],
    }
    return render(request, "operations/history.html", context)


@require_safe
@for_operators
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The same values as the page shows for these parameters. Three queries."""
    kind, params = kind_of(request), form_of(request).params
    return download(Sheet(params, plots_of(timeline(params, MEASURES))), kind)


def plots_of(found: Timeline) -> list[Plot]:
    return [
        plot(
            found,
            "Finished answers",
            counted(names.ANSWERS, [s for s in Status if s.is_final]),
            number_words,
            **WHOLE,
        ),
        plot(found, "Errors", counted(names.ERRORS, errors_of(found)) or {"errors": nothing}, number_words, **WHOLE),
        plot(found, "First token", percentiles(Measure.FIRST_TOKEN), seconds_words),
        plot(
            found,
            "First tokens within 1 s",
            {"share": fast_percent},
            percent_words,
            least_top=100.0,
        ),
        plot(found, "Perceived TTFT", percentiles(Measure.PERCEIVED), seconds_words, note=PERCEIVED),
        plot(found, "Gap between tokens", percentiles(Measure.GAP), seconds_words, note=GAP),
        plot(found, "Time in the queue", percentiles(Measure.QUEUED), seconds_words),
        plot(found, "Tokens written per second", {"all answers": tokens_per_second}, number_words),
        plot(found, "Cost", {"cost": cost}, money_words),
        plot(found, "Concurrent (peak)", gauges(Gauge.RUNNING, Gauge.QUEUED), number_words, note=WHOLE_SITE, **WHOLE),
        plot(found, "Open sockets (peak)", gauges(Gauge.SOCKETS), number_words, note=WHOLE_SITE),
        plot(found, "Tokens per second by the servers' count", servers_count, number_words, note=WHOLE_SITE),
    ]


WHOLE = {"least_top": 4.0}  # so that an axis of counts has no fractions
WHOLE_SITE = "Of the whole site, whatever is chosen above."
PERCEIVED = "From the click to the first paint, as browsers report it; unknown for others."
GAP = "The p95 gap between tokens, per answer."


def plot(found: Timeline, title: str, reads: dict[str, Read], words: Callable[[float], str], **more: object) -> Plot:
    series = [Series(label, [value_of(one, read) for one in found.bins]) for label, read in reads.items()]
    return Plot(title, series, found.range, words, **more)  # type: ignore[arg-type]


def value_of(one: Bin, read: Read) -> Value:
    return None if one.stats is None else read(one.stats, one)


# Each reads one value of a bin


def nothing(stats: Stats, one: Bin) -> Value:
    return 0


def count_of(name: str) -> Read:
    return lambda stats, one: stats.counts[name]


def counted(prefix: str, labels: list[str]) -> dict[str, Read]:
    return {str(label): count_of(f"{prefix}{label}") for label in labels}


def errors_of(found: Timeline) -> list[str]:
    """The most frequent codes."""
    return [code for code, _ in found.whole.errors[:MOST_ERRORS]]


def percentiles(measure: Measure) -> dict[str, Read]:
    return {label: quantile(measure, share) for label, share in PERCENTILES.items()}


def quantile(measure: Measure, share: float) -> Read:
    return lambda stats, one: stats.of(measure).quantile(share)


def fast_percent(stats: Stats, one: Bin) -> Value:
    return stats.fast_percent


def tokens_per_second(stats: Stats, one: Bin) -> Value:
    """An answer's tokens count in the bin in which it ends."""
    return stats.counts[names.TOKENS_OUT] / one.seconds


def cost(stats: Stats, one: Bin) -> Value:
    return float(amount_of(stats.counts[names.COST]))


def gauges(*kinds: Gauge) -> dict[str, Read]:
    return {str(gauge.label).lower(): most_of(gauge) for gauge in kinds}


def most_of(gauge: Gauge) -> Read:
    return lambda stats, one: one.readings[gauge].max if gauge in one.readings else None


def mean_rate(stats: Stats, one: Bin) -> Value:
    rate = one.readings.get(Gauge.TOKENS_PER_SECOND)
    return rate.mean if rate else None


servers_count: dict[str, Read] = {"all servers": mean_rate}


def rows_of(params: QueryParams, plots: list[Plot]) -> Iterator[Row]:
    """The values of all plots with their units, latest bin first."""
    for number, begin in reversed(list(enumerate(params.range.bins))):
        values = [(plot.words, series.values[number]) for plot in plots for series in plot.series]
        cells = ["–" if value is None else words(value) for words, value in values]
        yield Row(moment_words(begin, params.range), cells)
