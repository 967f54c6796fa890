"""What a stage costs: reserved once, settled once, by the tokens that were used."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from pytest_django import Settings

from conversations.models import Generation, LedgerEntry, ModelServer, Tier
from conversations.models.billing import internal_usage, ledger
from conversations.models.billing.budget import Limits, next_day_begins, today
from conversations.models.billing.internal_usage import Spent
from conversations.models.billing.ledger import Purpose
from conversations.models.billing.money import Prices, format_money
from conversations.models.billing.settling import settle_ended
from conversations.models.chat.message import ANSWER
from conversations.models.generation.generation import Status
from conversations.models.generation.partial import Partial, save_partials
from conversations.models.generation.plan import results_as_json
from tests.conversations.talk import begin

from .conftest import entered, limit, line, reserve, settle, used, wrote

pytestmark = pytest.mark.django_db


def only() -> LedgerEntry:
    return LedgerEntry.objects.get()


@pytest.fixture
def generation(alice: User) -> Generation:
    """That a worker has begun, with one stage reserved."""
    generation = begin(alice)
    generation.claim()
    assert reserve(alice, line(tokens_in=50), generation=generation.pk)
    return generation


def test_what_is_not_used_is_given_back(alice: User) -> None:
    found = reserve(alice, line(tokens_in=500))
    assert found
    assert used() == used(alice) == Decimal("1.0005")

    settle(found, {0: wrote(2000, tokens_in=400)})

    entry = only()
    assert (entry.state, entry.tokens_in, entry.tokens_out) == ("settled", 400, 2000)
    assert used() == used(alice) == entry.cost == Decimal("0.0204")
    assert entry.baseline_cost == Decimal("0.0808")


def test_remembered_tokens_have_a_price_of_their_own(alice: User) -> None:
    cheaper = replace(line(tokens_in=500), prices=Prices(Decimal(1), Decimal(10), Decimal("0.1")))
    found = reserve(alice, cheaper)
    assert found

    settle(found, {0: replace(wrote(0, tokens_in=400), cached_tokens=300)})

    assert used() == only().cost == Decimal("0.00013")


def test_a_title_on_its_way_is_not_settled_by_the_task(alice: User) -> None:
    assert ledger.reserve(uuid4(), Limits.of(alice.pk), [line()], Purpose.TITLE)
    assert settle_ended() == 0

    LedgerEntry.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    assert settle_ended() == 1


def test_routing_saves_nothing_with_a_title_whichever_tier_makes_it(alice: User) -> None:
    found = uuid4()
    assert ledger.reserve(found, Limits.of(alice.pk), [replace(line(), baseline=Prices())], Purpose.TITLE)

    settle(found, {0: wrote(2000, tokens_in=400)})

    assert only().baseline_cost == only().cost


def test_what_the_site_asks_for_itself_is_one_row_a_day(db: None) -> None:
    for tokens in (10, 20):
        internal_usage.record(Spent(Purpose.WARMING, "smart", "a-model", line().prices, tokens, 1, 0))
    internal_usage.record(Spent(Purpose.WARMING, "free", "a-model", Prices(), 10, 1, 0))

    assert (only().user, only().tokens_in, only().tokens_out, only().state) == (None, 30, 2, "settled")
    assert used() == only().cost == Decimal("0.00005")


def test_the_site_asks_nothing_for_itself_when_its_budget_is_used_up(alice: User) -> None:
    limit("1")
    assert internal_usage.may_spend()

    reserve(alice)
    assert not internal_usage.may_spend()


def test_settling_twice_counts_once(alice: User) -> None:
    found = reserve(alice)
    assert found

    assert [settle(found, {0: wrote(1000)}), settle(found, {0: wrote(5000)})] == [1, 0]
    assert used() == entered() == Decimal("0.01")


def test_a_stage_that_used_nothing_is_released(alice: User) -> None:
    found = reserve(alice, line(0), line(1))
    assert found

    settle(found, {0: wrote(0, "failed")})

    assert set(LedgerEntry.objects.values_list("state", "cost")) == {("released", Decimal(0))}
    assert used() == 0


def test_a_stopped_answer_costs_what_came_and_the_estimated_question(alice: User) -> None:
    found = reserve(alice, line(tokens_in=300))
    assert found

    settle(found, {0: wrote(10, "stopped")})

    assert only().cost == Decimal("0.0004")


def test_more_than_was_reserved_is_counted_as_well(alice: User) -> None:
    limit("1")
    found = reserve(alice)
    assert found

    settle(found, {0: wrote(150_000)})

    assert used() == Decimal("1.5")
    assert reserve(alice, line(tokens_out=1)) is None


def test_another_tier_than_was_meant_is_paid_at_its_price(alice: User) -> None:
    server = ModelServer.objects.create(name="GPU", url="http://gpu/v1")
    Tier.objects.create(name="Genius", slug="genius", server=server, price_out=Decimal(100))
    found = reserve(alice)
    assert found

    settle(found, {0: wrote(1000, tier="genius")})

    assert (only().tier, only().cost) == ("genius", Decimal("0.1"))


def test_free_tiers_are_entered_and_never_refused(alice: User) -> None:
    limit("0.0001")
    assert reserve(alice, line(prices=Prices()))
    assert reserve(alice, line(prices=Prices()))

    assert LedgerEntry.objects.filter(reserved=0).count() == 2
    assert used() == 0


def test_a_limit_lowered_below_what_is_used_refuses(alice: User) -> None:
    assert reserve(alice)
    limit("0.5", user=alice)

    assert reserve(alice, line(tokens_out=1)) is None
    assert used() == used(alice) == 1


def test_what_the_user_may_not_spend_is_not_taken_from_the_site(alice: User, bob: User) -> None:
    limit("10")
    limit("0.5", user=alice)

    assert reserve(alice) is None
    assert used() == 0
    assert reserve(bob)


def test_of_group_limits_the_most_generous_counts_and_the_users_own_wins(alice: User) -> None:
    for number, name in enumerate(["one", "two"], 1):
        alice.groups.add(group := Group.objects.create(name=name))
        limit(str(number), group=group)
    limit("9", group=Group.objects.create(name="others"))
    assert Limits.of(alice.pk).own == 2

    limit("0.5", user=alice)

    assert Limits.of(alice.pk).own == Decimal("0.5")


def test_one_of_a_group_does_not_use_up_what_the_others_have(alice: User, bob: User) -> None:
    group = Group.objects.create(name="team")
    group.user_set.set([alice, bob])
    limit("1", group=group)

    assert reserve(alice)
    assert reserve(alice) is None
    assert reserve(bob)


def test_an_answers_end_settles_it(generation: Generation) -> None:
    generation.finish(Status.DONE, {ANSWER: "So."}, outcomes=results_as_json({0: wrote(100, tokens_in=40)}))

    assert (only().state, only().cost) == ("settled", Decimal("0.00104"))


def test_an_end_that_came_too_late_settles_nothing(generation: Generation) -> None:
    late = Generation.objects.get(pk=generation.pk)
    assert Generation.objects.get(pk=generation.pk).claim()

    assert not late.finish(Status.DONE, {ANSWER: "So."}, outcomes=results_as_json({0: wrote(100)}))
    assert only().state == "reserved"


def test_a_stage_is_settled_while_the_others_go_on(alice: User, generation: Generation) -> None:
    reserve(alice, line(1), generation=generation.pk)
    standing = results_as_json({0: wrote(100), 1: wrote(7, "running")})

    save_partials([Partial(generation, None, {"outcomes": standing})])

    states = LedgerEntry.objects.order_by("stage").values_list("state", "tokens_out")
    assert list(states) == [("settled", 100), ("reserved", 100_000)]
    generation.finish(Status.DONE, None, outcomes=results_as_json({0: wrote(100), 1: wrote(20)}))
    assert used() == entered()


def test_the_task_settles_what_ended_unsettled(generation: Generation) -> None:
    outcomes = results_as_json({0: wrote(100, tokens_in=40)})
    Generation.objects.filter(pk=generation.pk).update(status=Status.FAILED, outcomes=outcomes)

    assert [settle_ended(), settle_ended()] == [1, 0]
    assert used() == only().cost == Decimal("0.00104")


def test_the_task_leaves_what_a_killed_worker_left_to_the_next_one(generation: Generation) -> None:
    assert settle_ended() == 0
    assert only().state == "reserved"


def test_what_was_erased_while_it_was_written_cost_what_was_reserved(alice: User) -> None:
    assert reserve(alice, line(tokens_in=500), generation=uuid4())

    assert settle_ended() == 1
    assert used() == only().cost == Decimal("1.0005")


def test_the_entry_outlives_its_conversation_and_its_user(alice: User, generation: Generation) -> None:
    generation.finish(Status.DONE, {ANSWER: "So."}, outcomes=results_as_json({0: wrote(100)}))
    alice.delete()

    assert (only().user, only().cost) == (None, Decimal("0.00105"))


def test_a_day_is_the_sites(settings: Settings) -> None:
    settings.TIME_ZONE = "Pacific/Kiritimati"

    assert (next_day_begins().hour, next_day_begins().minute) == (0, 0)
    assert (next_day_begins().date() - today()).days == 1


@pytest.mark.parametrize(
    ("amount", "said"),
    [("0", "0.00 EUR"), ("1234.5", "1,234.50 EUR"), ("0.01", "0.01 EUR"), ("0.00123", "0.0012 EUR")],
)
def test_money_is_told_so_that_something_is_seen_of_it(amount: str, said: str) -> None:
    assert format_money(Decimal(amount)) == said


@pytest.mark.parametrize("how", ["cached", "coalesced"])
def test_an_answer_that_was_reused_costs_nothing_and_routing_saved_nothing_on_it(alice: User, how: str) -> None:
    found = reserve(alice, line(tokens_in=500))
    assert found
    settle(found, {0: replace(wrote(100), **{how: True})})

    entry = only()
    assert (entry.state, entry.cost, entry.baseline_cost) == ("settled", 0, 0)
    assert entry.saved_by_cache == Decimal("0.0015")  # 500 tokens in, 100 out
    assert used(alice) == 0
