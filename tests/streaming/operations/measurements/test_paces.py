"""How fast model servers are is measured from the answers' rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models.generation.generation import Status
from streaming.operations.measurements.paces import Pace
from streaming.operations.pages.overview import current_overview
from tests.streaming.operations.rows import asked, ended


def only_pace() -> Pace:
    (found,) = current_overview().now.paces
    return found


def test_what_a_server_does_lately_stands_beside_what_is_usual(alice: User) -> None:
    for _ in range(3):
        ended(alice, ago=1000, ttft=0.5, writing=2.0)
    ended(alice, ago=300, ttft=2.0, writing=2.0)
    for _ in range(3):
        ended(alice, ago=10, ttft=4.2, writing=10.0)

    found = only_pace()

    assert (found.server, found.model) == ("a-server:8000", "a-model")
    assert (found.first_token_s, found.usual_first_token_s) == pytest.approx((4.0, 0.3))  # from the request on
    assert (found.rate, found.usual_rate) == pytest.approx((10.0, 50.0))


def test_one_slow_answer_among_three_makes_no_slow_server(alice: User) -> None:
    for ttft in (0.5, 0.5, 9.0):
        ended(alice, ago=10, ttft=ttft)

    assert only_pace().first_token_s == pytest.approx(0.3)


def test_without_older_answers_the_earlier_ones_are_usual(alice: User) -> None:
    for ago in range(20, 26):
        ended(alice, ago=ago, ttft=0.5 if ago > 22 else 4.2)

    found = only_pace()

    assert (found.first_token_s, found.usual_first_token_s) == pytest.approx((4.0, 0.3))


def test_an_answer_that_came_as_a_whole_says_nothing_of_a_first_token(alice: User) -> None:
    ended(alice, ago=10, ttft=9.0, writing=0.0)
    ended(alice, ago=10, ttft=9.0, streams=False)
    ended(alice, ago=10, ttft=0.5)

    assert only_pace().first_token_s == pytest.approx(0.3)


def test_nothing_is_usual_after_two_answers(alice: User) -> None:
    for _ in range(2):
        ended(alice, ago=1000)
    ended(alice, ago=10)

    assert only_pace().usual_first_token_s is None


def test_a_wait_that_has_not_ended_counts(alice: User) -> None:
    now = timezone.now()
    asked(alice, status=Status.RUNNING, server="gpu", model="m", requested_at=now - timedelta(seconds=30))

    found = only_pace()

    assert found.first_token_s is not None and 30 <= found.first_token_s < 60


def test_an_answer_that_is_written_slowly_counts_before_it_ends(alice: User) -> None:
    first = timezone.now() - timedelta(seconds=100)
    figures = {"requested_at": first, "first_token_at": first, "completion_tokens": 100}
    asked(alice, status=Status.RUNNING, server="gpu", model="m", **figures)

    found = only_pace()

    assert found.rate is not None and 0.5 < found.rate <= 1


def test_stages_are_their_own_servers(alice: User) -> None:
    stage = {"status": "done", "completion_tokens": 100, "first_token_s": 1.0, "ended_s": 2.0}
    outcomes = {"0": {**stage, "server": "a", "model": "m"}, "1": {**stage, "server": "b", "model": "n", "ended_s": 5}}
    ended(alice, ago=5, outcomes=outcomes)

    paces = current_overview().now.paces

    assert [(pace.server, pace.rate, pace.first_token_s) for pace in paces] == [("a", 100, None), ("b", 25, None)]


def test_an_answer_from_the_cache_says_nothing_of_a_server(alice: User) -> None:
    outcome = {"status": "done", "server": "a", "model": "m", "cached": True, "completion_tokens": 100}
    ended(alice, ago=5, outcomes={"0": {**outcome, "first_token_s": 0.1, "ended_s": 0.2}})

    assert current_overview().now.paces == []


def test_a_stage_that_came_as_a_whole_was_not_written_in_a_moment(alice: User) -> None:
    stage = {"status": "done", "completion_tokens": 100, "first_token_s": 1.0, "server": "a", "model": "m"}
    ended(alice, ago=5, outcomes={"0": {**stage, "ended_s": 1.001}, "1": {**stage, "ended_s": 3.0}})

    assert only_pace().rate == 50
