"""Lines of a ledger, and what the counters say."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum

from conversations.models import Budget, DailyUse, LedgerEntry
from conversations.models.billing import ledger
from conversations.models.billing.budget import SITE, Limits, scope_of, today
from conversations.models.billing.ledger import Reservation
from conversations.models.billing.money import Prices, amount_of
from conversations.models.generation.plan import StageResult, StageResults

PRICES = Prices(Decimal(1), Decimal(10))  # for a million tokens
STRONGEST = Prices(Decimal(2), Decimal(40))


def line(stage: int = 0, tokens_in: int = 0, tokens_out: int = 100_000, prices: Prices = PRICES) -> Reservation:
    return Reservation(stage, "smart", "a-model", prices, STRONGEST, tokens_in, tokens_out)


def reserve(user: User, *lines: Reservation, generation: UUID | None = None) -> UUID | None:
    """The generation; None if the budget does not suffice."""
    generation = generation or uuid4()
    with transaction.atomic():
        return generation if ledger.reserve(generation, Limits.of(user.pk), lines or (line(),)) else None


def settle(generation: UUID, outcomes: StageResults | None = None) -> int:
    return ledger.settle({generation: outcomes or {}}, are_over=True)


def wrote(tokens: int, status: str = "done", tokens_in: int | None = None, tier: str = "smart") -> StageResult:
    return StageResult(status, "a-model", "a-server", tier, prompt_tokens=tokens_in, completion_tokens=tokens)


def limit(amount: str, **scope: object) -> Budget:
    return Budget.objects.create(daily_limit=Decimal(amount), **scope or {"whole_site": True})


def used(user: User | None = None) -> Decimal:
    """Of the site's budget, or of the user's."""
    row = DailyUse.objects.filter(scope=scope_of(user.pk) if user else SITE, day=today()).first()
    return amount_of(row.used) if row else Decimal(0)


def entered() -> Decimal:
    """What the ledger says was spent or is reserved."""
    spent: Decimal = LedgerEntry.objects.exclude(state="reserved").aggregate(sum=Sum("cost"))["sum"] or Decimal(0)
    reserved: Decimal = LedgerEntry.objects.filter(state="reserved").aggregate(sum=Sum("reserved"))["sum"] or Decimal(0)
    return spent + reserved
