"""Money: in one currency, the setting BUDGET_CURRENCY, and counted in billionths of it, so that nothing is lost."""

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
    """For a million tokens of questions, and of answers."""

    tokens_in: Decimal = NOTHING
    tokens_out: Decimal = NOTHING
    tokens_cached: Decimal | None = None  # of the question's, what the server remembered; None: as the others

    @property
    def is_free(self) -> bool:
        return not (self.tokens_in or self.tokens_out)

    def of(self, tokens_in: int, tokens_out: int, cached: int = 0) -> Decimal:
        """``cached`` are among ``tokens_in``. Rounded up to a whole unit."""
        cached_price = self.tokens_in if self.tokens_cached is None else self.tokens_cached
        exact = (tokens_in - cached) * self.tokens_in + cached * cached_price + tokens_out * self.tokens_out
        exact /= MILLION
        return exact.quantize(UNIT, rounding=ROUND_UP)


def units(amount: Decimal) -> int:
    return int(amount / UNIT)


def amount_of(units: int) -> Decimal:
    return units * UNIT


def format_money(amount: Decimal) -> str:
    """Such as 1.20 EUR. Of less than a cent, the first two digits that count."""
    places = 2 if abs(amount) >= CENT or not amount else min(PLACES, 1 - amount.adjusted())
    return f"{amount:,.{places}f} {settings.BUDGET_CURRENCY}"
