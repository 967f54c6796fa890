"""What answers cost: by day, by tier, by user, and what routing and the cache saved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conversations.models import LedgerEntry
from conversations.models.budget import SiteUse, today
from conversations.models.ledger import SITES_OWN, EntryState, Purpose
from conversations.models.money import NOTHING

from .access import for_operators

DAYS = 30
MOST_USERS = 30
HAVE_ENDED = ~Q(state=EntryState.RESERVED)  # before, tokens are estimates
WHO = Case(When(purpose__in=SITES_OWN, then=Value("the site itself")), default=F("user__username"))
SUMS = {
    "answers": Count("generation_id", distinct=True, filter=Q(purpose=Purpose.ANSWER)),
    "in_sum": Sum("tokens_in", filter=HAVE_ENDED),
    "out_sum": Sum("tokens_out", filter=HAVE_ENDED),
    "cost_sum": Sum("cost"),
    "strongest_sum": Sum("strongest_cost"),
    "spared_sum": Sum("spared"),
}


@dataclass(frozen=True)
class Row:
    """``answers`` are counted in each tier that wrote a stage of theirs."""

    name: object  # None: of a user whose account is gone
    answers: int
    tokens_in: int
    tokens_out: int
    cost: Decimal
    strongest: Decimal  # had the strongest tier written the same tokens, of those that a model wrote
    spared: Decimal  # had no answer been reused

    @property
    def saved(self) -> Decimal:
        """By routing."""
        return self.strongest - self.cost

    @property
    def saved_percent(self) -> float | None:
        """None if the strongest tier is free."""
        return float(100 * self.saved / self.strongest) if self.strongest else None


@require_safe
@for_operators
def cost(request: HttpRequest) -> HttpResponse:
    """Seven queries."""
    entries = LedgerEntry.objects.filter(day__gt=today() - timedelta(days=DAYS)).order_by()
    site = SiteUse.of_today()
    context = {
        "days": DAYS,
        "used": site.used,
        "limit": site.limit,
        "reserved": entries.filter(state=EntryState.RESERVED).aggregate(sum=Sum("reserved"))["sum"],
        "total": row_of(entries.aggregate(**SUMS)),
        "tables": [
            ("Tier", "tiers", rows(entries, "tier", "-cost_sum")),
            ("Purpose", "purposes", rows(entries, "purpose", "-cost_sum")),
            ("User", "users", rows(entries.annotate(who=WHO), "who", "-cost_sum")[:MOST_USERS]),
            ("Day", "days", rows(entries, "day", "-day")),
        ],
    }
    return render(request, "ops/cost.html", context)


def rows(entries: QuerySet[LedgerEntry], by: str, order: str) -> list[Row]:
    """One query."""
    found = entries.values(by).annotate(**SUMS).order_by(order, by)
    return [row_of(sums, Purpose(sums[by]).label if by == "purpose" else sums[by]) for sums in found]


def row_of(sums: dict[str, Any], name: object = None) -> Row:
    return Row(
        name=name,
        answers=sums["answers"],
        tokens_in=sums["in_sum"] or 0,
        tokens_out=sums["out_sum"] or 0,
        cost=sums["cost_sum"] or NOTHING,
        strongest=sums["strongest_sum"] or NOTHING,
        spared=sums["spared_sum"] or NOTHING,
    )
