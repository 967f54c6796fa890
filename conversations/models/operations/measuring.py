"""What one answer that ended adds to the history, and to whose.

Its times, its outcome and its error belong to the tier and the server whose stage began it: those that its user waited
for. Tokens and costs belong to the tier and the server of each stage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.fields.json import KT

from conversations.models.billing.ledger import EntryState, LedgerEntry
from conversations.models.billing.money import NOTHING, units
from conversations.models.generation.generation import Generation
from conversations.models.generation.plan import StageResult, StageResults
from conversations.models.generation.timeline import phases_of

from . import stats
from .stats import Measure, Stats

FIELDS = (
    *("id", "status", "attempt", "wanted_tier", "server", "outcomes", "error_code", "failovers"),
    *("prompt_tokens", "completion_tokens", "accepted_at", "claimed_at", "first_requested_at", "requested_at"),
    *("first_token_at", "last_token_at", "finished_at", "stop_requested_at", "upstream_ended_at"),
    *("timing__first_paint_ms", "timing__gap_p95_ms", "timing__published_at"),
)
TIER_LENGTH, SERVER_LENGTH = 40, 200


class Dimension(NamedTuple):
    tier: str  # its slug; empty: none
    server: str  # its name; empty: none, or the answer came from the cache

    @property
    def as_stored(self) -> Dimension:
        """StageResults have names of any length, roll-ups have not."""
        return Dimension(self.tier[:TIER_LENGTH], self.server[:SERVER_LENGTH])


class Charge(NamedTuple):
    tier: str
    cost: Decimal


Charges = Mapping[UUID, Mapping[int, Charge]]  # by generation and stage


def measurable() -> QuerySet[Generation]:
    """With what is read here, and no text."""
    return Generation.objects.select_related("timing").only(*FIELDS).annotate(planned_tier=KT("plan__stages__0__tier"))


def charges_of(ids: Collection[UUID]) -> Charges:
    """What was settled. One query."""
    rows = LedgerEntry.objects.filter(generation_id__in=ids, state=EntryState.SETTLED).order_by()
    found: defaultdict[UUID, dict[int, Charge]] = defaultdict(dict)
    for generation_id, stage, tier, cost in rows.values_list("generation_id", "stage", "tier", "cost"):
        found[generation_id][stage] = Charge(tier, cost or NOTHING)
    return found


def measure(generation: Generation, charges: Mapping[int, Charge], found: defaultdict[Dimension, Stats]) -> None:
    """Add one that ended, out of ``measurable``, to what was found."""
    outcomes = generation.stage_results
    own = found[whose(generation, outcomes)]
    count_answer(own, generation)
    observe(own, generation)
    for number, outcome in outcomes.items():
        count_tokens(found[Dimension(outcome.tier, outcome.server)], outcome)
        if charge := charges.get(number):
            found[Dimension(charge.tier, outcome.server)].counts[stats.COST] += units(charge.cost)


def whose(generation: Generation, outcomes: StageResults) -> Dimension:
    """Whose stage began it; without any, the tier that was meant."""
    asked = [outcome for outcome in outcomes.values() if outcome.tier or outcome.server]
    if not asked:
        return Dimension(getattr(generation, "planned_tier", None) or generation.wanted_tier, generation.server)
    first = min(asked, key=lambda outcome: (outcome.first_token_s is None, outcome.first_token_s or 0.0))
    return Dimension(first.tier, first.server)


def count_answer(own: Stats, generation: Generation) -> None:
    own.counts[f"{stats.ANSWERS}{generation.status}"] += 1
    own.counts[stats.FAILOVERS] += generation.failovers or 0
    own.counts[stats.TAKEOVERS] += generation.takeovers
    own.counts[stats.STOPS] += generation.stop_requested_at is not None
    if generation.error_code:
        own.counts[f"{stats.ERRORS}{generation.error_code}"] += 1


def count_tokens(own: Stats, outcome: StageResult) -> None:
    if outcome.is_reused:  # no model read or wrote them
        return
    own.counts[stats.TOKENS_IN] += outcome.prompt_tokens or 0
    own.counts[stats.TOKENS_CACHED] += outcome.cached_tokens or 0
    own.counts[stats.TOKENS_OUT] += outcome.completion_tokens or 0


def seconds(span: timedelta | None) -> float | None:
    """None stays None. Not below zero, whatever two machines' clocks say."""
    return max(span.total_seconds(), 0.0) if span is not None else None


def of_timing(generation: Generation, milliseconds: str) -> float | None:
    """In seconds; None if it was not measured."""
    value = getattr(getattr(generation, "timing", None), milliseconds, None)
    return None if value is None else value / 1000


# Beside the phases. What is None is not observed.
MEASURES: dict[Measure, Callable[[Generation], float | None]] = {
    Measure.FIRST_TOKEN: lambda generation: seconds(generation.time_to_first_token),
    Measure.MODEL_FIRST_TOKEN: lambda generation: seconds(generation.model_first_token),
    Measure.FELT: lambda generation: of_timing(generation, "first_paint_ms"),
    Measure.DURATION: lambda generation: seconds(generation.duration),
    Measure.SPEED: lambda generation: generation.tokens_per_second,
    Measure.STOP: lambda generation: seconds(generation.time_to_stop),
    Measure.GAP: lambda generation: of_timing(generation, "gap_p95_ms"),
}


def observe(own: Stats, generation: Generation) -> None:
    assert generation.ended_at is not None
    for name, value in known(generation, phases_of(generation, generation.ended_at)):
        own.histograms[name].observe(value)


def known(generation: Generation, phases: Iterable[tuple[str, float]]) -> Iterable[tuple[str, float]]:
    yield from phases
    for measure, of in MEASURES.items():
        if (value := of(generation)) is not None:
            yield measure, value
