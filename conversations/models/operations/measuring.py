"""What an ended answer adds to the history, and to which tier and server.

Its times, status and error count for the tier and server of the stage that wrote first, for which the user waited.
Tokens and costs count for each stage's tier and server.
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
    tier: str  # slug; empty: none
    server: str  # name; empty: none, or the answer came from the cache

    @property
    def as_stored(self) -> Dimension:
        """Truncated to the length of the columns: names in StageResults have no limit."""
        return Dimension(self.tier[:TIER_LENGTH], self.server[:SERVER_LENGTH])


class Charge(NamedTuple):
    tier: str
    cost: Decimal


Charges = Mapping[UUID, Mapping[int, Charge]]  # by generation and stage


def measurable() -> QuerySet[Generation]:
    """Generations with the fields that are read here, and no texts."""
    return Generation.objects.select_related("timing").only(*FIELDS).annotate(planned_tier=KT("plan__stages__0__tier"))


def charges_of(ids: Collection[UUID]) -> Charges:
    """Settled costs. One query."""
    rows = LedgerEntry.objects.filter(generation_id__in=ids, state=EntryState.SETTLED).order_by()
    found: defaultdict[UUID, dict[int, Charge]] = defaultdict(dict)
    for generation_id, stage, tier, cost in rows.values_list("generation_id", "stage", "tier", "cost"):
        found[generation_id][stage] = Charge(tier, cost or NOTHING)
    return found


def measure(generation: Generation, charges: Mapping[int, Charge], found: defaultdict[Dimension, Stats]) -> None:
    """Add an ended generation from ``measurable`` to ``found``."""
    outcomes = generation.stage_results
    own = found[dimension_of(generation, outcomes)]
    count_answer(own, generation)
    observe(own, generation)
    for number, outcome in outcomes.items():
        count_tokens(found[Dimension(outcome.tier, outcome.server)], outcome)
        if charge := charges.get(number):
            found[Dimension(charge.tier, outcome.server)].counts[stats.COST] += units(charge.cost)


def dimension_of(generation: Generation, outcomes: StageResults) -> Dimension:
    """The tier and server of the stage that wrote first; if none was requested, the planned tier."""
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
    if outcome.is_reused:  # no model processed them for this answer
        return
    own.counts[stats.TOKENS_IN] += outcome.prompt_tokens or 0
    own.counts[stats.TOKENS_CACHED] += outcome.cached_tokens or 0
    own.counts[stats.TOKENS_OUT] += outcome.completion_tokens or 0


def seconds(span: timedelta | None) -> float | None:
    """At least zero, even if two machines' clocks differ. None stays None."""
    return max(span.total_seconds(), 0.0) if span is not None else None


def of_timing(generation: Generation, milliseconds: str) -> float | None:
    """A timing in seconds; None if it was not measured."""
    value = getattr(getattr(generation, "timing", None), milliseconds, None)
    return None if value is None else value / 1000


# In addition to the phases. None is not observed.
MEASURES: dict[Measure, Callable[[Generation], float | None]] = {
    Measure.FIRST_TOKEN: lambda generation: seconds(generation.time_to_first_token),
    Measure.MODEL_FIRST_TOKEN: lambda generation: seconds(generation.model_first_token),
    Measure.PERCEIVED: lambda generation: of_timing(generation, "first_paint_ms"),
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
