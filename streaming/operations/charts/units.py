"""Formats values with their units."""

from __future__ import annotations

from decimal import Decimal

from conversations.models.billing.money import format_money

MINUTE, HOUR = 60, 3600


def seconds_words(value: float) -> str:
    """Such as 85 ms, 1.25 s or 3 min."""
    if 0 < value < 0.9995:
        return f"{value * 1000:.3g} ms"
    if value < 2 * MINUTE:
        return f"{value:.3g} s"
    return f"{value / MINUTE:.3g} min" if value < 2 * HOUR else f"{value / HOUR:.3g} h"


def number_words(value: float) -> str:
    """Such as 12, 0.5, 1,234 or 12.5 k."""
    if value >= 10_000:
        return f"{value / 1_000_000:.4g} M" if value >= 1_000_000 else f"{value / 1000:.4g} k"
    return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def percent_words(value: float) -> str:
    return f"{value:.4g} %"


def money_words(value: float) -> str:
    return format_money(Decimal(str(value)))
