"""Ranges of whole days in the site's time zone, as the ledger has them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django import forms
from django.utils import timezone

from conversations.models.billing.budget import today
from conversations.models.operations.history import Grain

from .ranges import INSTANT, MOST_BINS, OWN, QueryParams, Range, RangeForm

DAY = timedelta(days=1)
DAYS = {
    "1d": ("Today", DAY),
    "7d": ("7 days", 7 * DAY),
    "30d": ("30 days", 30 * DAY),
    "90d": ("90 days", 90 * DAY),
    "365d": ("365 days", 365 * DAY),
}
LAST_DAY = date.max - 2 * DAY  # far enough from the calendar's end for any time zone


class DayField(forms.DateField):
    widget = forms.DateInput({"type": "date"}, "%Y-%m-%d")


class DaysForm(RangeForm):
    """The end day is included."""

    ranges = DAYS
    usual = "7d"
    instead = "The last 7 days are shown."

    begin = DayField(required=False, label="From")  # type: ignore[assignment]
    end = DayField(required=False, label="To")  # type: ignore[assignment]

    def clean_begin(self) -> datetime | None:
        day = self.cleaned_data["begin"]
        return midnight(day) if day else None

    def clean_end(self) -> datetime | None:
        day = self.cleaned_data["end"]
        return midnight(min(day, LAST_DAY)) + DAY if day else None

    @property
    def params(self) -> QueryParams:
        now = timezone.localtime(timezone=timezone.get_default_timezone())
        is_own = self.chosen == OWN
        begin = self.given["begin"] if is_own else midnight(today() + DAY - self.ranges[self.chosen][1])
        return QueryParams(in_days(begin, min(self.given["end"], now) if is_own else now), self.chosen)


def midnight(day: date) -> datetime:
    """The start of the day. Python adds days to it in local time, whether they have 23 hours or 25."""
    return datetime.combine(day, time(), timezone.get_default_timezone())


def in_days(begin: datetime, end: datetime) -> Range:
    """In bins of as few whole days as keep their number within MOST_BINS."""
    days = (end - INSTANT - begin) // DAY + 1
    return Range(begin, end, -(-days // MOST_BINS) * DAY, Grain.DAY)
