"""Keeps answers within budgets: the largest price of a plan, cheaper plans if it is too high, or a refusal.

docs/budgets.md explains it for operators.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from conversations.models import Generation
from conversations.models.billing import ledger
from conversations.models.billing.budget import SITE, Limits, next_day_begins, today
from conversations.models.billing.ledger import Reservation
from conversations.models.billing.money import NOTHING, Prices
from conversations.models.chat.asking import OutOfBudget
from conversations.models.generation.plan import Plan, PlannedStage

from .estimate import WITHOUT_EXPERIENCE, most_tokens
from .planner import ALONE, who_answers, with_tier
from .prompts import Prompt
from .tiers import TierSpec, current_tiers

SPARE = 2  # times the expected length of an answer, when the budget is short
FEWEST_TOKENS = 200
LITTLE_LEFT = "Little is left of today's budget."


@dataclass(frozen=True)
class Option:
    """A plan and the reservations that its stages need."""

    plan: Plan
    lines: tuple[Reservation, ...]

    @property
    def amount(self) -> Decimal:
        return sum((line.amount for line in self.lines), NOTHING)


class Estimate:
    """The largest prices of answers to one question, by the current tiers."""

    def __init__(self, generation: Generation, tiers: Sequence[TierSpec]):
        """Four queries if any tier has a price; none if all are free."""
        self._tiers = tiers
        self._ended = {number for number, outcome in generation.stage_results.items() if outcome.is_final}
        self._enough = max(SPARE * (generation.expected_tokens or WITHOUT_EXPERIENCE), FEWEST_TOKENS)
        has_prices = any(not prices_of(tier).is_free for tier in tiers)
        self._question = question_tokens(generation) if has_prices else 0

    def options(self, plan: Plan, *, is_fixed: bool) -> Iterator[Option]:
        """Yields the best option first; the cheaper ones are computed only if needed. ``is_fixed``: the stages have
        text already, so only their lengths can change."""
        plan = replace(plan, stages=tuple(replace(stage, paid_tokens=None) for stage in plan.stages))
        yield self._option(plan)
        yield self._option(self._short(plan))
        if not is_fixed:
            for place in reversed(range(len(self._tiers) - 1)):
                yield self._option(self._at_most(place, plan))
            for alone in self._of_one_stage(plan):
                yield self._option(alone)

    def last_resorts(self) -> Iterator[Option]:
        return map(self._option, self._of_one_stage(Plan(())))

    def _option(self, plan: Plan) -> Option:
        return Option(plan, tuple(self._lines(plan)))

    def _lines(self, plan: Plan) -> Iterator[Reservation]:
        """Yields reservations for the stages that are still to be written."""
        drafts = 0  # tokens
        for stage in plan.stages:
            tier = self._tier_of(stage)
            tokens_out = stage.paid_tokens or longest(stage, tier)
            tokens_in = self._question + most_tokens(stage.system_prompt) + (drafts if stage.waits else 0)
            drafts += tokens_out
            if stage.number not in self._ended:
                prices, baseline = prices_of(tier), prices_of(self._tiers[-1])
                yield Reservation(stage.number, tier.slug, tier.model, prices, baseline, tokens_in, tokens_out)

    def _tier_of(self, stage: PlannedStage) -> TierSpec:
        return next((tier for tier in self._tiers if tier.slug == stage.tier), self._tiers[0])

    # Cheaper plans

    def _short(self, plan: Plan) -> Plan:
        """Limits each stage to the tokens that will probably be enough."""
        longests = {stage.number: longest(stage, self._tier_of(stage)) for stage in plan.stages}
        return replace(
            plan,
            stages=tuple(
                replace(stage, paid_tokens=self._enough) if self._enough < longests[stage.number] else stage
                for stage in plan.stages
            ),
        )

    def _at_most(self, place: int, plan: Plan) -> Plan:
        """Replaces tiers stronger than the one at ``place`` by that one."""
        stronger = {tier.slug for tier in self._tiers[place + 1 :]}
        cheaper = self._tiers[place]
        stages = [with_tier(stage, cheaper) if stage.tier in stronger else stage for stage in plan.stages]
        return self._short(replace(plan, stages=tuple(stages)))

    def _of_one_stage(self, plan: Plan) -> list[Plan]:
        """Plans of one stage, one per tier, the most expensive first."""
        dearest_first = sorted(self._tiers, key=lambda tier: tier.price_out, reverse=True)
        return [self._short(replace(plan, stages=(with_tier(ALONE, tier),))) for tier in dearest_first]


def longest(stage: PlannedStage, tier: TierSpec) -> int:
    return stage.max_tokens or tier.max_tokens


def prices_of(tier: TierSpec) -> Prices:
    return Prices(tier.price_in, tier.price_out, tier.price_cached)


def question_tokens(generation: Generation) -> int:
    """Returns the most tokens that every stage's prompt has, as far as is known without the model's tokenizer."""
    answer = generation.message
    sent = [message["content"] for message in Prompt.of_path(answer.transcript).for_stage(ALONE)]
    begun = answer.texts().values() if generation.continues else ()
    return sum(map(most_tokens, [*sent, *begun]))


# When the question is sent


def check(generation: Generation) -> None:
    """Raises OutOfBudget if too little is left for even the cheapest answer. One query if there are no limits."""
    limits = Limits.of(generation.message.conversation.owner_id)
    if not limits.exist:
        return
    estimate, plan = Estimate(generation, current_tiers()), generation.stage_plan
    options = estimate.options(plan, is_fixed=True) if plan else estimate.last_resorts()
    least = min(option.amount for option in options)
    scope, left = limits.scarcest(today())
    if least and least > left:
        raise OutOfBudget("The site's" if scope == SITE else "Your", next_day_begins())


# When the answer starts


def reserve(generation: Generation, options: Iterable[Option]) -> Option | None:
    """Reserves and returns the first option that the budget covers; None if it covers none. Call it in a
    transaction."""
    limits = Limits.of(generation.message.conversation.owner_id)
    for option in options:
        if ledger.reserve(generation.pk, limits, option.lines):
            return option
    return None


def reason_of(taken: Plan, planned: Plan) -> str:
    """Tells the user why the answer is not made as planned; empty if it is."""
    said = []
    if [(stage.name, stage.tier) for stage in taken.stages] != [(stage.name, stage.tier) for stage in planned.stages]:
        said.append(who_answers(taken.stages))
    if paid := max((stage.paid_tokens or 0 for stage in taken.stages), default=0):
        said.append(f"No text may be longer than {paid:,} tokens.")
    return " ".join([LITTLE_LEFT, *said]) if said else ""
