"""The ledger: what every stage of every answer may cost, while it is written, and did cost, when it has ended.

A stage's row is reserved once, and settled or released once, by whoever gets there first; the day's counters follow
in the same transaction. So a takeover reserves nothing again, and what was settled twice is counted once.
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
from conversations.models.generation.plan import Outcome, Outcomes

from .budget import SITE, DailyUse, Limits, scope_of, today
from .money import DIGITS, NOTHING, PLACES, Prices, units


class Purpose(models.TextChoices):
    """What was asked of a model."""

    ANSWER = "answer"
    TITLE = "title"
    OPINION = "opinion", "Second opinion"
    WARMING = "warming"


SITES_OWN = (Purpose.OPINION, Purpose.WARMING)  # no user's: one row for each tier and day


class EntryState(models.TextChoices):
    RESERVED = "reserved"
    SETTLED = "settled"
    RELEASED = "released"  # nothing was used of it


def price_field() -> models.DecimalField[Decimal, Decimal]:
    return models.DecimalField(max_digits=12, decimal_places=6, default=NOTHING)


def cached_price_field() -> models.DecimalField[Decimal | None, Decimal | None]:
    return models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)


class LedgerEntry(models.Model):
    """Stays when the conversation is erased, so it names the generation by its id alone."""

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
    strongest_price_in = price_field()
    strongest_price_out = price_field()
    strongest_price_cached = cached_price_field()
    reserved = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    cost = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, null=True, blank=True)
    strongest_cost = models.DecimalField(
        max_digits=DIGITS,
        decimal_places=PLACES,
        null=True,
        blank=True,
        help_text="Of the same tokens, by the tier that was the strongest; 0 if no model was asked.",
    )
    spared = models.DecimalField(
        max_digits=DIGITS,
        decimal_places=PLACES,
        null=True,
        blank=True,
        help_text="What it would have cost if no answer had been reused.",
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

    def end(self, outcome: Outcome | None) -> None:
        """Set what it cost. Without tokens of an answer, and without the server's count, nothing was used."""
        tokens_in = outcome.prompt_tokens if outcome else None
        self.tokens_out = (outcome.completion_tokens or 0) if outcome else 0
        used = bool(tokens_in or self.tokens_out)
        self.tokens_in = (tokens_in or self.tokens_in) if used else 0  # a stopped answer's are not told
        self.tokens_cached = min((outcome.cached_tokens or 0) if outcome else 0, self.tokens_in)
        tokens = (self.tokens_in, self.tokens_out, self.tokens_cached)
        cost = Prices(self.price_in, self.price_out, self.price_cached).of(*tokens)
        strongest = Prices(self.strongest_price_in, self.strongest_price_out, self.strongest_price_cached)
        if outcome and outcome.is_reused:  # not by routing, and not again
            self.cost, self.strongest_cost, self.spared = NOTHING, NOTHING, cost
        else:
            is_routed = self.purpose == Purpose.ANSWER  # a title is the cheapest tier's, whichever answers
            self.cost, self.spared = cost, NOTHING
            self.strongest_cost = strongest.of(*tokens) if is_routed else cost
        self.state = EntryState.SETTLED if used else EntryState.RELEASED
        self.ended_at = site_time.now()
        if outcome:
            self.model = outcome.model or self.model


ENDED_FIELDS = (
    *("tier", "model", "tokens_in", "tokens_cached", "tokens_out", "price_in", "price_out"),
    "price_cached",
    *("cost", "strongest_cost", "spared", "state", "ended_at"),
)


@dataclass(frozen=True)
class Line:
    """What a stage may cost at most, as far as it can be told before."""

    stage: int
    tier: str
    model: str
    prices: Prices
    strongest: Prices
    tokens_in: int
    tokens_out: int

    @property
    def amount(self) -> Decimal:
        return self.prices.of(self.tokens_in, self.tokens_out)


def is_reserved(generation_id: UUID) -> bool:
    """Or was: another attempt need not."""
    return LedgerEntry.objects.filter(generation_id=generation_id).exists()


def reserve(generation_id: UUID, limits: Limits, lines: Collection[Line], purpose: Purpose = Purpose.ANSWER) -> bool:
    """Enter all stages, or none; False if the budget does not suffice. Call it in a transaction. Free ones are entered
    without a look at any budget."""
    day = today()
    amount = sum((line.amount for line in lines), NOTHING)
    if amount and not limits.reserve(amount, day):
        return False
    LedgerEntry.objects.bulk_create(entry_of(generation_id, limits.user_id, day, line, purpose) for line in lines)
    return True


def entry_of(generation_id: UUID, user_id: int, day: date, line: Line, purpose: Purpose) -> LedgerEntry:
    return LedgerEntry(
        generation_id=generation_id,
        purpose=purpose,
        stage=line.stage,
        user_id=user_id,
        day=day,
        tier=line.tier,
        model=line.model,
        tokens_in=line.tokens_in,
        tokens_out=line.tokens_out,
        price_in=line.prices.tokens_in,
        price_out=line.prices.tokens_out,
        price_cached=line.prices.tokens_cached,
        strongest_price_in=line.strongest.tokens_in,
        strongest_price_out=line.strongest.tokens_out,
        strongest_price_cached=line.strongest.tokens_cached,
        reserved=line.amount,
    )


@transaction.atomic
def settle(ended: Mapping[UUID, Outcomes], *, are_over: bool) -> int:
    """Settle the stages of these generations that have ended; how many they were. Settled ones stay as they are.

    ``are_over``: nothing is written any more, so every stage has ended, and one without an outcome is released.
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


def price_anew(rows: Collection[tuple[LedgerEntry, Outcome | None]]) -> None:
    """Where another tier answered than was meant: at its price, as it is now. One query, if there is such a row."""
    others = {outcome.tier for entry, outcome in rows if outcome and outcome.tier not in ("", entry.tier)}
    tiers = {tier.slug: tier for tier in Tier.objects.filter(slug__in=others)} if others else {}
    for entry, outcome in rows:
        if outcome and (tier := tiers.get(outcome.tier)):
            entry.tier, entry.price_in, entry.price_out = tier.slug, tier.price_in, tier.price_out
            entry.price_cached = tier.price_cached


def correct_counters(ended: Collection[LedgerEntry]) -> None:
    """What was reserved and not used is given back; what was used beyond it is counted as well."""
    changes: Counter[tuple[str, date]] = Counter()
    for entry in ended:
        change = units((entry.cost or NOTHING) - entry.reserved)
        changes[SITE, entry.day] += change
        if entry.user_id is not None:
            changes[scope_of(entry.user_id), entry.day] += change
    for (scope, day), change in sorted(changes.items()):  # always in one order, or two could wait for each other
        if change:
            DailyUse.add(scope, day, change)
