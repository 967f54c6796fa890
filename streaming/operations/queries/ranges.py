"""The query of an operators' page as a GET form: the range, its bins, and the tier, server and measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest

from conversations import site_time
from conversations.models import RollUp
from conversations.models.operations.history import Grain, floor

OWN = "own"
RANGES = {
    "15m": ("15 min", timedelta(minutes=15)),
    "1h": ("1 h", timedelta(hours=1)),
    "6h": ("6 h", timedelta(hours=6)),
    "24h": ("24 h", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
}
USUAL = "1h"
LIVE_UP_TO = timedelta(hours=1)  # reading longer ranges every two seconds costs more than it is worth
MOST_BINS = 96
BINS = [
    *(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 7, 14, 28)),
]
NO_TIME, INSTANT = timedelta(0), timedelta.resolution
ALL, NONE = "", "none"  # of tiers and servers; NONE: of answers without one


@dataclass(frozen=True)
class Range:
    """Excludes ``end``. The first bin begins at ``begin``; the last one may extend beyond ``end``."""

    begin: datetime
    end: datetime
    bin: timedelta
    grain: Grain

    @classmethod
    def of(cls, begin: datetime, end: datetime, now: datetime) -> Range:
        """With the shortest bins that MOST_BINS and the grains still kept allow."""
        fitting = (length for length in BINS if (end - begin) / length <= MOST_BINS)
        length = next(fitting, BINS[-1])
        kept = next((grain for grain in Grain if begin > now - grain.kept), Grain.DAY)
        length = max(length, kept.length)
        grain = next(grain for grain in reversed(Grain) if grain.length <= length and length % grain.length == NO_TIME)
        bins = max(-(-(end - begin) // length), 1)
        return cls(floor(end - INSTANT, length) - (bins - 1) * length, end, length, grain)

    @property
    def bins(self) -> list[datetime]:
        """The beginning of each bin."""
        return [self.begin + number * self.bin for number in range(self.number_of(self.end - INSTANT) + 1)]

    @property
    def is_short(self) -> bool:
        return self.end - self.begin <= LIVE_UP_TO

    def number_of(self, moment: datetime) -> int:
        """The number of the bin that contains ``moment``."""
        return (moment - self.begin) // self.bin

    def seconds_of(self, begin: datetime) -> float:
        """Seconds of this bin that have passed."""
        return (min(begin + self.bin, self.end) - begin).total_seconds()


@dataclass(frozen=True)
class QueryParams:
    """What an operator asked to see."""

    range: Range
    name: str  # one of RANGES, or OWN
    tier: str = ALL
    server: str = ALL
    figure: str = ""

    @property
    def rows(self) -> dict[str, str]:
        """Filter for roll-ups."""
        chosen = {"tier": self.tier, "server": self.server}
        return {name: "" if value == NONE else value for name, value in chosen.items() if value != ALL}


class RangeForm(forms.Form):
    """A named range, or one with its own begin and end. All fields have defaults, so an empty form is valid."""

    ranges: ClassVar[Mapping[str, tuple[str, timedelta]]] = RANGES
    usual: ClassVar[str] = USUAL
    instead: ClassVar[str] = "The last hour is shown."  # if the form has errors

    range = forms.ChoiceField(required=False)
    begin = forms.DateTimeField(required=False, label="From")
    end = forms.DateTimeField(required=False, label="To")

    def __init__(self, data: Any):
        super().__init__(data, auto_id="query-%s")
        named = [(name, label) for name, (label, _) in self.ranges.items()]
        self.fields["range"].choices = [*named, (OWN, "From–to")]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("range") == OWN and not self.errors:
            begin, end = cleaned.get("begin"), cleaned.get("end")
            if not (begin and end):
                raise forms.ValidationError("Give both, from when and to when.")
            if begin >= end:
                raise forms.ValidationError("The beginning has to be before the end.")
            if begin >= site_time.now():
                raise forms.ValidationError("That is in the future.")
            if begin < site_time.now() - Grain.DAY.kept:
                raise forms.ValidationError(f"Stats are kept for {Grain.DAY.kept.days:,} days: begin later.")
        return cleaned

    @property
    def given(self) -> dict[str, Any]:
        """Empty if the form has errors."""
        return self.cleaned_data if self.is_valid() else {}

    @property
    def chosen(self) -> str:
        """A key of ``ranges``, or OWN; the usual one if nothing was given."""
        return self.given.get("range") or self.usual


class QueryForm(RangeForm):
    tier = forms.ChoiceField(required=False)
    server = forms.ChoiceField(required=False)
    figure = forms.ChoiceField(required=False)

    def __init__(self, data: Any, measures: Iterable[tuple[str, str]] = ()):
        """``measures``: choices of one measure; empty if the page shows all. One query."""
        super().__init__(data)
        known = RollUp.objects.filter(grain=Grain.DAY).order_by().values_list("tier", "server").distinct()
        self.choose("tier", "All tiers", {tier for tier, _ in known})
        self.choose("server", "All servers", {server for _, server in known})
        self.fields["figure"].choices = list(measures)  # type: ignore[attr-defined]
        for name in ("begin", "end"):
            self.fields[name].widget = forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M")

    def choose(self, name: str, everything: str, known: set[str]) -> None:
        named = [(value, value) if value else (NONE, "none") for value in sorted(known)]
        self.fields[name].choices = [(ALL, everything), *named]  # type: ignore[attr-defined]

    @property
    def params(self) -> QueryParams:
        now = site_time.now()
        is_own = self.chosen == OWN
        begin = self.given["begin"].astimezone(UTC) if is_own else now - self.ranges[self.chosen][1]
        end = min(self.given["end"], now).astimezone(UTC) if is_own else now
        filters = {field: self.given.get(field) or "" for field in ("tier", "server", "figure")}
        return QueryParams(Range.of(begin, end, now), self.chosen, **filters)


def form_of(request: HttpRequest, measures: Iterable[tuple[str, str]] = ()) -> QueryForm:
    return QueryForm(request.GET, measures)


def address_of(request: HttpRequest, **changes: str) -> str:
    """The query string of this page, with changes."""
    return "?" + urlencode({**request.GET.dict(), **changes})
