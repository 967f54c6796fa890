"""Claims a generation for an attempt: its number, its plan and the plan's reservations, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from conversations.models import Generation
from conversations.models.billing import ledger
from conversations.models.catalog.pipeline import Level
from conversations.models.chat.message import PartKey
from conversations.models.generation.plan import Plan
from streaming.planning import budgets
from streaming.planning.estimate import Kind, expected_seconds, expected_tokens
from streaming.planning.planner import plan_for, who_answers
from streaming.planning.prompts import Prompt
from streaming.planning.tiers import TierSpec, current_tiers
from streaming.telemetry import counters


@dataclass(frozen=True)
class ClaimedGeneration:
    """What an attempt needs from the database, read after the claim."""

    generation: Generation
    tiers: list[TierSpec]
    plan: Plan  # what the budget covers
    prompt: Prompt
    texts: dict[PartKey, str]  # the answer's stored parts
    notice: str = ""  # for the user
    is_paid: bool = True  # False: the budget covers no plan at all


def claim(generation_id: UUID, dispatched_at: datetime | None, judged: Level | None = None) -> ClaimedGeneration | None:
    """Takes the next attempt number; plans with the current tiers. Returns None if the generation has ended or another
    process has it.

    ``judged``: a model's rating of how hard the question is.
    """
    found = Generation.objects.with_question_length().filter(pk=generation_id)
    generation = found.select_related("message__conversation").first()
    if generation is None:
        return None
    tiers = current_tiers()
    notice, is_paid = "", True
    if ledger.is_reserved(generation.pk):
        if not generation.claim(dispatched_at):
            return None
    else:
        planned, is_fixed = generation.stage_plan, generation.plan is not None
        plan = planned or plan_for(generation, tiers, judged)
        refine_expectations(generation, plan, generation.question_length or 0)
        options = budgets.Estimate(generation, tiers).options(plan, is_fixed=is_fixed)
        with transaction.atomic():
            generation.plan = plan.as_json()
            expected = {"expected_tokens": generation.expected_tokens, "expected_s": generation.expected_s}
            if not generation.claim(dispatched_at, plan=generation.plan, **expected):
                return None
            option = budgets.reserve(generation, options)
            is_paid = option is not None
            notice = store_option(generation, plan, option) if option else ""
    return ClaimedGeneration(
        generation,
        tiers,
        (generation.stage_plan or Plan(())).as_paid(),
        Prompt.of_path(generation.message.transcript),
        generation.message.texts(),
        notice,
        is_paid,
    )


def store_option(generation: Generation, planned: Plan, option: budgets.Option) -> str:
    """Stores the plan that the budget covers. Returns the reason, for the user, if it differs from ``planned``; else an
    empty string."""
    if reason := budgets.reason_of(option.plan, planned):
        counters.fell_back(counters.BUDGET)
    if option.plan != planned:
        reasons = reasons_for(planned, option.plan, reason)
        generation.store(plan=replace(option.plan, reasons=reasons).as_json())
    return reason


def reasons_for(planned: Plan, taken: Plan, reason: str) -> tuple[str, ...]:
    """Returns the plan's reasons and the budget's, without naming the model that the budget replaced."""
    if not reason:
        return planned.reasons
    outdated = who_answers(planned.stages) if who_answers(taken.stages) in reason else ""
    return (*(said for said in planned.reasons if said != outdated), reason)


def ids_of(generation: Generation) -> dict[str, object]:
    """Returns the ids for log lines; ``request`` is the click's id."""
    conversation = generation.message.conversation
    return {
        "request": generation.client_id,
        "generation": generation.pk,
        "conversation": conversation.pk,
        "user": conversation.owner_id,
        "attempt": generation.attempt,
    }


def refine_expectations(generation: Generation, plan: Plan, length: int) -> None:
    """Sets the expected tokens and seconds, better than at the click, since the stages are known now.

    A continued answer: what is probably left; None if it is already longer than such answers usually are.
    """
    kind = Kind.of(generation.mode, plan)
    tokens = expected_tokens(length, kind) - tokens_before(generation)
    generation.expected_tokens = tokens if tokens > 0 else None
    generation.expected_s = expected_seconds(tokens, kind) if tokens > 0 else None


def tokens_before(generation: Generation) -> int:
    """Returns the tokens of the text being continued, summed over the generations that wrote it. One query, only if
    the generation continues a text."""
    if not generation.continues:
        return 0
    total = 0
    earlier = Generation.objects.filter(message_id=generation.message_id, accepted_at__lt=generation.accepted_at)
    for tokens, continues in earlier.order_by("-accepted_at").values_list("completion_tokens", "continues"):
        total += tokens or 0
        if not continues:
            break
    return total
