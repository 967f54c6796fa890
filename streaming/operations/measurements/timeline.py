"""Stats of the history over a range, by bin, and by tier and server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from conversations.models import RollUp, Sample
from conversations.models.operations.history import Reading, follow
from conversations.models.operations.measuring import Dimension
from conversations.models.operations.stats import Stats
from streaming.operations.queries.ranges import QueryParams, Range


@dataclass
class Bin:
    """``stats`` are empty if nothing ended, and None if nothing was recorded."""

    begin: datetime
    seconds: float  # of the bin that have passed
    stats: Stats | None = None
    readings: dict[str, Reading] = field(default_factory=dict)


@dataclass
class Timeline:
    range: Range
    bins: list[Bin]
    parts: dict[Dimension, Stats]

    @property
    def whole(self) -> Stats:
        found = Stats()
        for stats in self.parts.values():
            found.add(stats)
        return found


def timeline(params: QueryParams, of_bins: Collection[str], of_parts: Collection[str] = ()) -> Timeline:
    """All counts, and the histograms of these measures. Two queries. Gauges are always those of the whole site."""
    scope = params.range
    bins = [Bin(begin, scope.seconds_of(begin)) for begin in scope.bins]
    parts: defaultdict[Dimension, Stats] = defaultdict(Stats)
    add_samples(bins, scope)
    rows = RollUp.objects.within(scope.grain, scope.begin, scope.end).filter(**params.rows).order_by()
    for begin, tier, server, counts, histograms in rows.values_list("begin", "tier", "server", "counts", "histograms"):
        found = bins[scope.number_of(begin)]
        found.stats = found.stats or Stats()
        found.stats.add_json(counts, only(of_bins, histograms))
        parts[Dimension(tier, server)].add_json(counts, only(of_parts, histograms))
    return Timeline(scope, bins, dict(sorted(parts.items())))


def add_samples(bins: list[Bin], scope: Range) -> None:
    samples = Sample.objects.within(scope.grain, scope.begin, scope.end).order_by("begin")
    for sample in samples:
        found = bins[scope.number_of(sample.begin)]
        found.stats = found.stats or Stats()
        found.readings = follow(found.readings, sample.readings)


def only(measures: Collection[str], histograms: Mapping[str, Any]) -> dict[str, Any]:
    return {name: histograms[name] for name in measures if name in histograms}
