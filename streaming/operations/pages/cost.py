"""The cost of answers by day, tier and user, and what routing and the cache saved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conversations.models import LedgerEntry
from conversations.models.billing.budget import SiteUse
from conversations.models.billing.ledger import INTERNAL, EntryState, Purpose
from conversations.models.billing.money import NOTHING
from streaming.operations.charts.exports import FORMATS, Sheet, download, kind_of
from streaming.operations.charts.plots import Plot, Series
from streaming.operations.charts.stacks import Stack, few
from streaming.operations.charts.units import money_words, number_words
from streaming.operations.queries.days import DAY, DaysForm, midnight
from streaming.operations.queries.ranges import INSTANT, Range, address_of

from .access import for_operators
from .fragments import served_as_fragment

LIVE_UP_TO = 7 * DAY  # adding up 70,000 stages takes 0.3 s
MOST_USERS = 30
SUMMED = ("answers", "tokens_in", "tokens_out", "cost", "saved")  # fields of Row in the file
HAVE_ENDED = ~Q(state=EntryState.RESERVED)  # until then, tokens are estimates
WHO = Case(When(purpose__in=INTERNAL, then=Value("the site itself")), default=F("user__username"))
SUMS = {
    "answers": Count("generation_id", distinct=True, filter=Q(purpose=Purpose.ANSWER)),
    "in_sum": Sum("tokens_in", filter=HAVE_ENDED),
    "out_sum": Sum("tokens_out", filter=HAVE_ENDED),
    "cost_sum": Sum("cost"),
    "baseline_sum": Sum("baseline_cost"),
    "saved_by_cache_sum": Sum("saved_by_cache"),
}
DEAREST = F("cost_sum").desc(nulls_last=True)  # null if there are only running answers


@dataclass(frozen=True)
class Row:
    """By tier, an answer counts in each tier that wrote one of its stages."""

    name: object  # None: a user whose account was deleted
    answers: int
    tokens_in: int
    tokens_out: int
    cost: Decimal
    baseline: Decimal  # the cost if the strongest tier had written the same tokens; without reused answers
    saved_by_cache: Decimal  # the cost that reused answers would have had

    @property
    def saved(self) -> Decimal:
        """Saved by routing."""
        return self.baseline - self.cost

    @property
    def saved_percent(self) -> float | None:
        """None if the strongest tier is free."""
        return float(100 * self.saved / self.baseline) if self.baseline else None


@require_safe
@for_operators
@served_as_fragment
def cost(request: HttpRequest) -> HttpResponse:
    """Nine queries."""
    form = DaysForm(request.GET)
    params = form.params
    entries = entries_of(params.range)
    site = SiteUse.of_today()
    context = {
        "form": form,
        "params": params,
        "live": params.range.end - params.range.begin <= LIVE_UP_TO,
        "plot": costs_of(entries, params.range, few),
        "files": [(kind, address_of(request, format=kind)) for kind in FORMATS],
        "used": site.used,
        "limit": site.limit,
        "reserved": entries.filter(state=EntryState.RESERVED).aggregate(sum=Sum("reserved"))["sum"],
        "total": row_of(entries.aggregate(**SUMS)),
        "tables": [
            ("Tier", "tiers", rows(entries, "tier")),
            ("Purpose", "purposes", rows(entries, "purpose")),
            ("User", "users", rows(entries.annotate(who=WHO), "who", most=MOST_USERS)),
            ("Day", "days", rows(entries, "day", F("day").desc())),
        ],
    }
    return render(request, "operations/cost.html", context)


@require_safe
@for_operators
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The page's range by day, or by several days if it is long. Two queries."""
    kind, params = kind_of(request), DaysForm(request.GET).params
    entries = entries_of(params.range)
    plots = [costs_of(entries, params.range), sums_of(entries, params.range)]
    return download(Sheet(params, plots, "throughline-cost"), kind)


def entries_of(scope: Range) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(day__gte=scope.begin.date(), day__lte=(scope.end - INSTANT).date()).order_by()


def rows(entries: QuerySet[LedgerEntry], by: str, order: Any = DEAREST, most: int | None = None) -> list[Row]:
    """One query."""
    found = entries.values(by).annotate(**SUMS).order_by(order, by)[:most]
    return [row_of(sums, Purpose(sums[by]).label if by == "purpose" else sums[by]) for sums in found]


def row_of(sums: dict[str, Any], name: object = None) -> Row:
    return Row(
        name=name,
        answers=sums["answers"],
        tokens_in=sums["in_sum"] or 0,
        tokens_out=sums["out_sum"] or 0,
        cost=sums["cost_sum"] or NOTHING,
        baseline=sums["baseline_sum"] or NOTHING,
        saved_by_cache=sums["saved_by_cache_sum"] or NOTHING,
    )


# Day by day


def costs_of(
    entries: QuerySet[LedgerEntry], scope: Range, chosen: Callable[[Sequence[Series]], Sequence[Series]] = list
) -> Stack:
    """By tier, the most expensive first. ``chosen`` may merge or drop series. One query."""
    values: defaultdict[str, list[float]] = defaultdict(lambda: [0.0] * len(scope.bins))
    for day, tier, sum_of in entries.values_list("day", "tier").annotate(Sum("cost")):
        values[tier][scope.number_of(midnight(day))] += float(sum_of or 0)
    tiers = sorted(values, key=lambda tier: (-sum(values[tier]), tier))
    title = "Cost of each day" if scope.bin == DAY else f"Cost of each {scope.bin.days} days"
    return Stack(title, chosen([Series(tier, values[tier]) for tier in tiers]), scope, money_words)


def sums_of(entries: QuerySet[LedgerEntry], scope: Range) -> Plot:
    """Sums over all tiers. One query."""
    values: dict[str, list[float]] = {name: [0] * len(scope.bins) for name in SUMMED}
    for row in rows(entries, "day"):
        assert isinstance(row.name, date)
        for name, of_bins in values.items():
            value = getattr(row, name)
            of_bins[scope.number_of(midnight(row.name))] += float(value) if isinstance(value, Decimal) else value
    return Plot("All tiers", [Series(name.replace("_", " "), of) for name, of in values.items()], scope, number_words)
