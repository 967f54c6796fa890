"""The ledger: one row per stage of an answer, with its largest possible cost while it runs, then its actual cost.

A stage's row is reserved once, and settled or released once, by whichever process comes first; the day's counters
change in the same transaction. So a takeover reserves nothing again, and settling twice counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from conversations import site_time
from conversations.models.catalog.tier import Tier
from conversations.models.generation.plan import StageResult, StageResults

from .budget import SITE, DailyUse, Limits, scope_of, today
from .money import DIGITS, NOTHING, PLACES, Prices, units


class Purpose(models.TextChoices):
    """What a request to a model was for."""

    ANSWER = "answer"
    TITLE = "title"
    OPINION = "opinion", "Second opinion"
    WARMING = "warming"


INTERNAL = (Purpose.OPINION, Purpose.WARMING)  # not for a user: one row per tier and day


class EntryState(models.TextChoices):
    RESERVED = "reserved"
    SETTLED = "settled"
    RELEASED = "released"  # nothing was used


def price_field() -> models.DecimalField[Decimal, Decimal]:
    return models.DecimalField(max_digits=12, decimal_places=6, default=NOTHING)


def cached_price_field() -> models.DecimalField[Decimal | None, Decimal | None]:
    return models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)


class LedgerEntry(models.Model):
    """Outlives the conversation's erasure, so it has the generation's id without a foreign key."""

    generation_id = models.UUIDField(help_text="Of an answer; else the row's own.")
    purpose = models.CharField(
        max_length=10, choices=Purpose.choices, default=Purpose.ANSWER, db_default=Purpose.ANSWER
    )
    stage = models.PositiveSmallIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    day = models.DateField(db_index=True, help_text="When it was reserved, by the site's clock.")
    tier = models.CharField(max_length=40)
    model = models.CharField(max_length=200, blank=True)
    tokens_in = models.PositiveIntegerField(default=0, help_text="Estimated until it is settled.")
    tokens_cached = models.PositiveIntegerField(default=0, help_text="Of these, what the server remembered.")
    tokens_out = models.PositiveIntegerField(default=0, help_text="At most, until it is settled.")
    price_in = price_field()
    price_out = price_field()
    price_cached = cached_price_field()
    baseline_price_in = price_field()
    baseline_price_out = price_field()
    baseline_price_cached = cached_price_field()
    reserved = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    cost = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, null=True, blank=True)
    baseline_cost = models.DecimalField(
        max_digits=DIGITS,
        decimal_places=PLACES,
        null=True,
        blank=True,
        help_text="Of the same tokens, by the tier that was the strongest; 0 if no model was asked.",
    )
    saved_by_cache = models.DecimalField(
        max_digits=DIGITS,
        decimal_places=PLACES,
        null=True,
        blank=True,
        help_text="What it would have cost without reused answers.",
    )
    state = models.CharField(max_length=10, choices=EntryState.choices, default=EntryState.RESERVED)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "stage")
        verbose_name_plural = "ledger entries"
        constraints = (models.UniqueConstraint(fields=["generation_id", "stage"], name="ledger_once_per_stage"),)
        indexes = (
            models.Index(
                fields=["generation_id"], condition=models.Q(state=EntryState.RESERVED), name="ledger_reserved"
            ),
        )

    def __str__(self) -> str:
        return f"{self.state} {self.generation_id} stage {self.stage}"

    def end(self, outcome: StageResult | None) -> None:
        """Set the cost and the final state. Nothing was used without completion tokens and reported prompt tokens."""
        tokens_in = outcome.prompt_tokens if outcome else None
        self.tokens_out = (outcome.completion_tokens or 0) if outcome else 0
        used = bool(tokens_in or self.tokens_out)
        # Servers don't report the prompt tokens of a stopped answer: keep the estimate.
        self.tokens_in = (tokens_in or self.tokens_in) if used else 0
        self.tokens_cached = min((outcome.cached_tokens or 0) if outcome else 0, self.tokens_in)
        tokens = (self.tokens_in, self.tokens_out, self.tokens_cached)
        cost = Prices(self.price_in, self.price_out, self.price_cached).of(*tokens)
        baseline = Prices(self.baseline_price_in, self.baseline_price_out, self.baseline_price_cached)
        # A reused answer costs nothing. Its price counts as saved by the cache, not by routing.
        if outcome and outcome.is_reused:
            self.cost, self.baseline_cost, self.saved_by_cache = NOTHING, NOTHING, cost
        else:
            # Only answers are routed: a title always uses the cheapest tier.
            is_routed = self.purpose == Purpose.ANSWER
            self.cost, self.saved_by_cache = cost, NOTHING
            self.baseline_cost = baseline.of(*tokens) if is_routed else cost
        self.state = EntryState.SETTLED if used else EntryState.RELEASED
        self.ended_at = site_time.now()
        if outcome:
            self.model = outcome.model or self.model


ENDED_FIELDS = (
    *("tier", "model", "tokens_in", "tokens_cached", "tokens_out", "price_in", "price_out"),
    "price_cached",
    *("cost", "baseline_cost", "saved_by_cache", "state", "ended_at"),
)


@dataclass(frozen=True)
class Reservation:
    """A stage's largest possible cost, as estimated before it runs."""

    stage: int
    tier: str
    model: str
    prices: Prices
    baseline: Prices
    tokens_in: int
    tokens_out: int

    @property
    def amount(self) -> Decimal:
        return self.prices.of(self.tokens_in, self.tokens_out)


def is_reserved(generation_id: UUID) -> bool:
    """Whether any attempt has reserved it, even if it has been settled since."""
    return LedgerEntry.objects.filter(generation_id=generation_id).exists()


def reserve(
    generation_id: UUID, limits: Limits, stages: Collection[Reservation], purpose: Purpose = Purpose.ANSWER
) -> bool:
    """Enter all stages, or none; return False if the budget is too low. Free stages need no budget.

    Call it in a transaction.
    """
    day = today()
    amount = sum((one.amount for one in stages), NOTHING)
    if amount and not limits.reserve(amount, day):
        return False
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            generation_id=generation_id,
            purpose=purpose,
            stage=one.stage,
            user_id=limits.user_id,
            day=day,
            tier=one.tier,
            model=one.model,
            tokens_in=one.tokens_in,
            tokens_out=one.tokens_out,
            price_in=one.prices.tokens_in,
            price_out=one.prices.tokens_out,
            price_cached=one.prices.tokens_cached,
            baseline_price_in=one.baseline.tokens_in,
            baseline_price_out=one.baseline.tokens_out,
            baseline_price_cached=one.baseline.tokens_cached,
            reserved=one.amount,
        )
        for one in stages
    )
    return True


@transaction.atomic
def settle(ended: Mapping[UUID, StageResults], *, are_over: bool) -> int:
    """Settle the ended stages of these generations, and return how many. Leaves settled rows unchanged.

    ``are_over``: the generations have ended, so all stages have; one without a result is released.
    """
    reserved = LedgerEntry.objects.filter(generation_id__in=ended, state=EntryState.RESERVED)
    rows = []
    for entry in reserved.order_by("generation_id", "stage").select_for_update():
        outcome = ended[entry.generation_id].get(entry.stage)
        if are_over or (outcome and outcome.is_final):
            rows.append((entry, outcome))
    price_anew(rows)
    for entry, outcome in rows:
        entry.end(outcome)
    entries = [entry for entry, _ in rows]
    LedgerEntry.objects.bulk_update(entries, ENDED_FIELDS)
    correct_counters(entries)
    return len(entries)


def price_anew(rows: Collection[tuple[LedgerEntry, StageResult | None]]) -> None:
    """Set the tier, at its current prices, where another one answered than planned. One query if there are any."""
    others = {outcome.tier for entry, outcome in rows if outcome and outcome.tier not in ("", entry.tier)}
    tiers = {tier.slug: tier for tier in Tier.objects.filter(slug__in=others)} if others else {}
    for entry, outcome in rows:
        if outcome and (tier := tiers.get(outcome.tier)):
            entry.tier, entry.price_in, entry.price_out = tier.slug, tier.price_in, tier.price_out
            entry.price_cached = tier.price_cached


def correct_counters(ended: Collection[LedgerEntry]) -> None:
    """Add cost minus reservation, positive or negative, to the day's counters."""
    changes: Counter[tuple[str, date]] = Counter()
    for entry in ended:
        change = units((entry.cost or NOTHING) - entry.reserved)
        changes[SITE, entry.day] += change
        if entry.user_id is not None:
            changes[scope_of(entry.user_id), entry.day] += change
    # In one order always, so that transactions cannot deadlock.
    for (scope, day), change in sorted(changes.items()):
        if change:
            DailyUse.add(scope, day, change)
