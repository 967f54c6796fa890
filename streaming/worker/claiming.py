"""How an attempt gets its generation: the number, the plan, and what the plan costs, reserved as one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from conversations.models import Generation, ledger
from conversations.models.pipeline import Level
from conversations.models.plan import Plan
from streaming import budgets
from streaming.planning import plan_for, who_answers
from streaming.tiers import TierSpec, current_tiers


@dataclass(frozen=True)
class Claim:
    generation: Generation
    tiers: list[TierSpec]
    notice: str = ""  # for the user
    is_paid: bool = True  # False: no budget pays for any answer


def claim(generation_id: UUID, dispatched_at: datetime | None, judged: Level | None = None) -> Claim | None:
    """Take the next attempt's number, by the tiers as they are now. None if it is not to be had.

    ``judged``: a model's opinion of the question.
    """
    generation = Generation.objects.select_related("message__conversation").filter(pk=generation_id).first()
    if generation is None:
        return None
    tiers = current_tiers()
    if ledger.is_reserved(generation.pk):
        return Claim(generation, tiers) if generation.claim(dispatched_at) else None
    planned, is_fixed = generation.stage_plan, generation.plan is not None
    plan = planned or plan_for(generation, tiers, judged)
    options = budgets.Estimate(generation, tiers).options(plan, is_fixed=is_fixed)
    return begin(Claim(generation, tiers), plan, options, dispatched_at)


@transaction.atomic
def begin(claim: Claim, plan: Plan, options: list[budgets.Option], dispatched_at: datetime | None) -> Claim | None:
    """For the first time: with the best plan that the budget pays."""
    generation = claim.generation
    generation.plan = plan.as_json()
    if not generation.claim(dispatched_at, plan=generation.plan):
        return None
    taken = budgets.reserve(generation, options)
    if taken is None:
        return replace(claim, is_paid=False)
    reason = budgets.reason_of(taken.plan, plan)
    if taken.plan != plan:
        reasons = reasons_for(plan, taken.plan, reason)
        generation.note(plan=replace(taken.plan, reasons=reasons).as_json())
    return replace(claim, notice=reason)


def reasons_for(planned: Plan, taken: Plan, reason: str) -> tuple[str, ...]:
    """Why the answer is made as it is: not also who was to write it before the budget said otherwise."""
    if not reason:
        return planned.reasons
    outdated = who_answers(planned.stages) if who_answers(taken.stages) in reason else ""
    return (*(said for said in planned.reasons if said != outdated), reason)


def ids_of(generation: Generation) -> dict[str, object]:
    """For log lines; the request is the click's."""
    conversation = generation.message.conversation
    return {
        "request": generation.client_id,
        "generation": generation.pk,
        "conversation": conversation.pk,
        "user": conversation.owner_id,
        "attempt": generation.attempt,
    }
