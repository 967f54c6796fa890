"""What is expected of an answer: what similar ones had, and of too few, those that share less with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import Generation
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import Plan, PlannedStage
from streaming.planning import estimate
from streaming.planning.estimate import Kind, expected_seconds, expected_tokens
from streaming.worker.claims import refine_expectations
from tests.conversations.talk import begin

pytestmark = pytest.mark.django_db
SCORED = {"domain": "code"}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "_known", (-estimate.KNOWN_FOR_S, {}))


def plan(*tiers: str, level: str = "simple", domain: str = "code") -> Plan:
    stages = tuple(PlannedStage(number, "quick", "Answer", tier=tier) for number, tier in enumerate(tiers))
    return Plan(stages, level, scores={"domain": domain})


def past(user: User, tokens: int, plan: Plan, count: int = 5, *, server: str = "gpu", **fields: object) -> None:
    """Complete answers: the first token after 2 s, then 50 a second."""
    now = timezone.now()
    for _ in range(count):
        values = {
            "status": Status.DONE,
            "mode": "auto",
            "plan": plan.as_json(),
            "server": server,
            "completion_tokens": tokens,
            "accepted_at": now,
            "first_token_at": now + timedelta(seconds=2),
            "last_token_at": now + timedelta(seconds=2 + (tokens - 1) / 50),
            "finished_at": now + timedelta(seconds=3 + tokens / 50),
        }
        Generation.objects.filter(pk=begin(user, "Why?").pk).update(**values | fields)


def test_similar_answers_count_first(alice: User) -> None:
    past(alice, 100, plan("fast"))
    past(alice, 900, plan("fast", "smart", level="complex"))
    past(alice, 300, plan("fast", domain="writing"))

    assert expected_tokens(4, Kind.of("auto", plan("fast"))) == 100
    assert expected_tokens(4, Kind.of("auto", plan("fast", "smart", level="complex"))) == 900


def test_too_few_similar_ones_leave_it_to_those_that_share_less(alice: User) -> None:
    past(alice, 100, plan("fast"), count=4)
    past(alice, 300, plan("fast", domain="writing"))
    past(alice, 900, plan("fast", level="complex"))

    assert expected_tokens(4, Kind.of("auto", plan("fast"))) == 300  # of one level and tier


def test_at_the_click_the_mode_alone_is_known(alice: User) -> None:
    past(alice, 100, plan("fast"), mode="quick")
    past(alice, 900, plan("fast"), mode="deep")

    assert (expected_tokens(4, Kind("quick")), expected_tokens(4, Kind("deep"))) == (100, 900)


def test_without_experience_there_is_a_guess_of_tokens_and_none_of_time(alice: User) -> None:
    past(alice, 100, plan("fast"), count=4)

    assert expected_tokens(4, Kind("quick")) == estimate.WITHOUT_EXPERIENCE
    assert expected_seconds(100, Kind.of("quick", plan("fast"))) is None


def test_the_time_is_that_of_the_same_tiers(alice: User) -> None:
    past(alice, 201, plan("fast"))
    past(alice, 201, plan("slow"), server="")  # out of the cache: nothing was written

    assert expected_seconds(500, Kind.of("auto", plan("fast"))) == 12.0
    assert expected_seconds(500, Kind.of("auto", plan("slow"))) is None


def test_who_goes_on_expects_what_is_left(alice: User) -> None:
    past(alice, 300, plan("fast"))
    begun = begin(alice, "Why?")
    Generation.objects.filter(pk=begun.pk).update(status=Status.STOPPED, completion_tokens=120)
    rest = Generation.objects.create(message=begun.message, continues=True, mode="auto")

    refine_expectations(rest, plan("fast"), 4)
    assert rest.expected_tokens == 180

    Generation.objects.filter(pk=begun.pk).update(completion_tokens=500)
    refine_expectations(rest, plan("fast"), 4)
    assert rest.expected_tokens is None


def test_the_history_is_read_once(alice: User, django_assert_num_queries: pytest.FixtureRequest) -> None:
    past(alice, 100, plan("fast"))

    with django_assert_num_queries(2):  # type: ignore[operator]
        for _ in range(3):
            expected_tokens(4, Kind("quick"))
            expected_seconds(100, Kind.of("auto", plan("fast")))
