"""What is made of a question when money is short: as planned, cheaper, shorter, in one stage, or not at all."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest

from conversations.models import (
    Conversation,
    Generation,
    LedgerEntry,
    Message,
    ModelServer,
    Pipeline,
    PipelineStage,
    Stage,
    Tier,
)
from conversations.models.chat.asking import OutOfBudget
from conversations.models.chat.message import PartKey, PartKind
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import Plan
from streaming.api.errors import on_refusal
from streaming.chat import clicks
from streaming.planning.budgets import LITTLE_LEFT
from streaming.protocol import Continue, Regenerate, SendMessage
from streaming.worker import claims
from streaming.worker.claims import ClaimedGeneration, claim
from tests.conversations.talk import answer_of, answered, begin

from .conftest import limit, used

pytestmark = pytest.mark.django_db
DEEP = PartKey(1, PartKind.TEXT)
PRICES = {"nano": "1", "smart": "10", "genius": "100"}  # for a million tokens of answers
STAGES = {"draft": ("nano", False), "deep": ("genius", False), "synthesis": ("genius", True)}


@pytest.fixture(autouse=True)
def four_hundred_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Are expected of every answer, whatever other tests asked."""
    for asking in (clicks, claims):
        monkeypatch.setattr(asking, "expected_tokens", lambda length, kind: 400)


@pytest.fixture(autouse=True)
def site(db: None) -> None:
    """Three tiers of which none is free; deep answers have three stages."""
    server = ModelServer.objects.create(name="GPU", url="http://127.0.0.1:9/v1")
    for order, (slug, price) in enumerate(PRICES.items()):
        Tier.objects.create(
            name=slug.capitalize(), slug=slug, order=order, server=server, price_out=Decimal(price), max_tokens=10_000
        )
    Pipeline.objects.all().delete()
    Stage.objects.all().delete()
    pipeline = Pipeline.objects.create(level="complex")
    for order, (name, (tier, waits)) in enumerate(STAGES.items()):
        stage = Stage.objects.create(name=name, label=name.capitalize(), system_prompt="Do.", tier=tier)
        PipelineStage.objects.create(pipeline=pipeline, stage=stage, order=order, waits=waits)


def ask(user: User, mode: str = "deep", text: str = "Why?", conversation: Conversation | None = None) -> Generation:
    return clicks.store(user, conversation, SendMessage(uuid4(), text=text, mode=mode))


def begun(user: User) -> tuple[ClaimedGeneration, Plan]:
    """A deep answer, as a worker begins it. 800 tokens a stage are thought to do: twice what is expected."""
    claimed = claim(ask(user).pk, None)
    assert claimed
    generation = Generation.objects.get(pk=claimed.generation.pk)
    assert generation.stage_plan
    return claimed, generation.stage_plan


def test_without_limits_it_is_made_as_planned(alice: User) -> None:
    claimed, plan = begun(alice)

    assert [stage.tier for stage in plan.stages] == ["nano", "genius", "genius"]
    assert (claimed.notice, claimed.is_paid, plan.as_paid()) == ("", True, plan)
    assert used() == used(alice) == Decimal("2.01")


@pytest.mark.parametrize(
    ("amount", "tiers", "told"),
    [
        ("2.01", ["nano", "genius", "genius"], ""),
        ("2", ["nano", "genius", "genius"], "No text may be longer than 800 tokens."),
        ("0.0168", ["nano", "smart", "smart"], "Answered in 3 stages: Draft by Nano, Deep by Smart"),
        ("0.0024", ["nano", "nano", "nano"], "Answered in 3 stages: Draft by Nano, Deep by Nano"),
        ("0.0023", ["nano"], "Routed to Nano."),
    ],
)
def test_the_less_is_left_the_cheaper_the_answer(alice: User, amount: str, tiers: list[str], told: str) -> None:
    limit(amount)

    claimed, plan = begun(alice)

    assert [stage.tier for stage in plan.stages] == tiers
    assert claimed.is_paid
    assert used() <= Decimal(amount)
    if told:
        assert claimed.notice == plan.reasons[-1]
        assert claimed.notice.startswith(f"{LITTLE_LEFT} {told}")
        assert {stage.max_tokens for stage in plan.as_paid().stages} == {800}


def test_a_question_that_nothing_pays_for_is_refused_and_nothing_is_stored(alice: User) -> None:
    limit("0.0007")

    with pytest.raises(OutOfBudget, match=r"^The site's budget for today .* It resets at 00:00 on ") as refused:
        ask(alice)

    assert refused.value.code == "budget"
    assert not (Conversation.objects.exists() or Message.objects.exists() or Generation.objects.exists())


def test_programs_are_told_when_to_ask_again(alice: User) -> None:
    limit("0.0007")

    with pytest.raises(OutOfBudget) as refused:
        ask(alice)
    response = on_refusal(HttpRequest(), refused.value)

    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 25 * 3600  # a day, or one when the clocks change


def test_who_has_a_limit_of_their_own_is_told_so(alice: User, bob: User) -> None:
    limit("0.0007", user=alice)

    with pytest.raises(OutOfBudget, match=r"^Your budget for today"):
        ask(alice)
    assert ask(bob)


def test_in_an_old_conversation_a_refused_question_changes_nothing(alice: User) -> None:
    conversation = answered(begin(alice)).message.conversation
    limit("0.0007")
    before = list(conversation.messages.values_list("pk", flat=True))

    for command in (SendMessage(uuid4(), text="And?"), Regenerate(uuid4(), message=answer_of(conversation).pk)):
        with pytest.raises(OutOfBudget):
            clicks.store(alice, conversation, command)

    assert list(conversation.messages.values_list("pk", flat=True)) == before
    assert Generation.objects.count() == 1


def test_a_click_that_was_taken_before_the_money_went_is_known_again(alice: User) -> None:
    command = SendMessage(uuid4(), text="Why?")
    generation = clicks.store(alice, None, command)
    limit("0.0007")

    assert clicks.store(alice, generation.message.conversation, command) == generation


def test_a_free_tier_answers_whatever_was_spent(alice: User) -> None:
    Tier.objects.filter(slug="smart").update(price_out=0)
    limit("0.0001")

    claimed, plan = begun(alice)

    assert claimed.is_paid
    assert [stage.tier for stage in plan.stages] == ["smart"]
    assert LedgerEntry.objects.get().reserved == 0


def test_money_that_runs_out_before_the_answer_begins_fails_it(alice: User) -> None:
    generation = ask(alice)
    limit("0.0007")

    claimed = claim(generation.pk, None)

    assert claimed and not claimed.is_paid
    assert not LedgerEntry.objects.exists()
    assert used() == 0


def test_who_takes_an_answer_over_reserves_nothing_again(alice: User) -> None:
    claimed, plan = begun(alice)
    before = used()

    again = claim(claimed.generation.pk, None)

    assert again and again.is_paid and again.generation.attempt == 2
    assert again.generation.stage_plan == plan
    assert (used(), LedgerEntry.objects.count()) == (before, 3)


def test_of_two_workers_that_claim_one_reserves(alice: User) -> None:
    generation = ask(alice)
    Generation.objects.filter(pk=generation.pk).update(status=Status.STOPPED)

    assert claim(generation.pk, None) is None
    assert (used(), LedgerEntry.objects.count()) == (0, 0)


def test_going_on_is_paid_for_the_stage_that_goes_on_and_by_its_tier(alice: User) -> None:
    claimed, _ = begun(alice)
    outcomes = {"0": {"status": "done"}, "1": {"status": "stopped"}, "2": {"status": "failed"}}
    stopped = claimed.generation
    assert stopped.finish(Status.STOPPED, {DEEP: "Because"}, outcomes=outcomes)
    limit("0.09")
    generation = clicks.store(alice, stopped.message.conversation, Continue(uuid4(), message=stopped.message_id))

    again = claim(generation.pk, None)

    entry = LedgerEntry.objects.get(generation_id=generation.pk)
    assert again and again.notice == f"{LITTLE_LEFT} No text may be longer than 800 tokens."
    assert (entry.stage, entry.tier, entry.reserved) == (1, "genius", Decimal("0.08"))


def test_a_limit_of_yesterday_does_not_shorten_what_goes_on_today(alice: User) -> None:
    budget = limit("2")
    stopped = begun(alice)[0].generation
    assert stopped.finish(Status.STOPPED, {DEEP: "Because"}, outcomes={"0": {"status": "stopped"}})
    budget.delete()
    generation = clicks.store(alice, stopped.message.conversation, Continue(uuid4(), message=stopped.message_id))

    again = claim(generation.pk, None)
    generation.refresh_from_db()

    assert again and generation.stage_plan
    assert {stage.paid_tokens for stage in generation.stage_plan.stages} == {None}
