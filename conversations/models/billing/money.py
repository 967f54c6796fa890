"""Money, in the currency of the setting BUDGET_CURRENCY; counted in billionths, so that sums are exact."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from django.conf import settings

NOTHING = Decimal(0)
UNIT = Decimal("0.000000001")
DIGITS, PLACES = 18, 9
MILLION = 1_000_000
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Prices:
    """Per million tokens."""

    tokens_in: Decimal = NOTHING
    tokens_out: Decimal = NOTHING
    tokens_cached: Decimal | None = None  # input tokens in the server's prefix cache; None: the input price

    @property
    def is_free(self) -> bool:
        return not (self.tokens_in or self.tokens_out)

    def of(self, tokens_in: int, tokens_out: int, cached: int = 0) -> Decimal:
        """The price of these tokens, rounded up to a whole unit. ``tokens_in`` includes ``cached``."""
        cached_price = self.tokens_in if self.tokens_cached is None else self.tokens_cached
        exact = (tokens_in - cached) * self.tokens_in + cached * cached_price + tokens_out * self.tokens_out
        exact /= MILLION
        return exact.quantize(UNIT, rounding=ROUND_UP)


def units(amount: Decimal) -> int:
    return int(amount / UNIT)


def amount_of(units: int) -> Decimal:
    return units * UNIT


def format_money(amount: Decimal) -> str:
    """Such as 1.20 EUR; amounts below a cent with two significant digits."""
    places = 2 if abs(amount) >= CENT or not amount else min(PLACES, 1 - amount.adjusted())
    return f"{amount:,.{places}f} {settings.BUDGET_CURRENCY}"
