"""What counts as stuck among answers that are being written: the time-outs of their own requests decide."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import Generation
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import StageResult, StageStatus, results_as_json
from streaming.operations.health.stuck import LATE_S, LiveState, problem_of, stuck_running
from tests.streaming.operations.rows import asked

ACCEPTED_AGO_S = 400.0
NOW = timezone.now()
WORKS = StageStatus.RUNNING


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def running(owner: User, *stages: StageResult, **fields: object) -> Generation:
    """Since ACCEPTED_AGO_S."""
    outcomes = results_as_json(dict(enumerate(stages)))
    values = {"status": Status.RUNNING, "attempt": 1, "accepted_at": ago(ACCEPTED_AGO_S), "outcomes": outcomes}
    return asked(owner, **(values | fields))


def due(ago_s: float) -> float:
    """So that a request had to bring something by then."""
    return ACCEPTED_AGO_S - ago_s


def problem(generation: Generation) -> str:
    """While a process has it."""
    return problem_of(generation, LiveState({generation.pk: "host:1"}, {}, True), NOW)  # type: ignore[arg-type]


def test_one_whose_request_is_overdue_is_stuck(alice: User) -> None:
    generation = running(alice, StageResult(WORKS, due_s=due(LATE_S + 5)))

    assert problem(generation) == f"no token {LATE_S + 5} s after the time-out"


@pytest.mark.parametrize("due_ago", [LATE_S - 5, -200])
def test_one_whose_request_may_still_bring_something_is_not(alice: User, due_ago: float) -> None:
    generation = running(alice, StageResult(WORKS, due_s=due(due_ago)), requested_at=ago(390), last_token_at=ago(300))

    assert problem(generation) == ""


def test_a_stage_that_waits_for_its_first_token_is_judged_by_its_own_request(alice: User) -> None:
    stages = StageResult(StageStatus.DONE, first_token_s=1.0, ended_s=10.0), StageResult(WORKS, due_s=due(-50))

    assert problem(running(alice, *stages, last_token_at=ago(390))) == ""


def test_one_that_waits_for_room_is_not_stuck(alice: User) -> None:
    assert problem(running(alice, claimed_at=ago(399))) == ""
    assert problem(running(alice, StageResult(WORKS, ended_s=60.0), requested_at=ago(399))) == ""


def test_a_stage_that_has_ended_is_not_waited_for(alice: User) -> None:
    assert problem(running(alice, StageResult(StageStatus.TIMEOUT, due_s=due(300)))) == ""


def test_they_are_counted_without_redis(alice: User, no_redis: None) -> None:
    for late in (LATE_S + 5, LATE_S - 5):
        running(alice, StageResult(WORKS, due_s=due(late)))

    assert stuck_running(NOW) == 1
