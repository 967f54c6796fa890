"""The ledger of requests that the site makes on its own behalf: one row per purpose, tier and day."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import NAMESPACE_OID, uuid5

from django.db import transaction

from conversations import site_time

from .budget import SITE, DailyUse, SiteUse, today
from .ledger import EntryState, LedgerEntry, Purpose
from .money import NOTHING, Prices, units


@dataclass(frozen=True)
class Spent:
    """The usage of one such request."""

    purpose: Purpose
    tier: str
    model: str
    prices: Prices
    tokens_in: int
    tokens_out: int
    tokens_cached: int


def may_spend() -> bool:
    """Return False if the site's budget for today is used up. Two queries."""
    today_so_far = SiteUse.of_today()
    return today_so_far.limit is None or today_so_far.used < today_so_far.limit


@transaction.atomic
def record(spent: Spent) -> None:
    """Add it to the day's row and to the site's use. Does not record free tiers."""
    if spent.prices.is_free:
        return
    day = today()
    cost = spent.prices.of(spent.tokens_in, spent.tokens_out, spent.tokens_cached)
    row, _ = LedgerEntry.objects.select_for_update().get_or_create(
        generation_id=uuid5(NAMESPACE_OID, f"throughline {spent.purpose} {spent.tier} {day}"),
        stage=0,
        defaults={
            "purpose": spent.purpose,
            "day": day,
            "tier": spent.tier,
            "price_in": spent.prices.tokens_in,
            "price_out": spent.prices.tokens_out,
            "price_cached": spent.prices.tokens_cached,
            "reserved": NOTHING,
            "cost": NOTHING,
            "state": EntryState.SETTLED,
        },
    )
    row.model = spent.model
    row.tokens_in += spent.tokens_in
    row.tokens_cached += spent.tokens_cached
    row.tokens_out += spent.tokens_out
    row.cost = (row.cost or NOTHING) + cost
    row.baseline_cost = row.cost  # not routed, so nothing was saved
    row.ended_at = site_time.now()
    row.save()
    DailyUse.add(SITE, day, units(cost))
