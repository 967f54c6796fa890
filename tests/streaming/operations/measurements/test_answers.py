"""The figures are those of the rows."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from conversations.models import Generation
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import StageResult, StageStatus, results_as_json
from conversations.models.operations.recording import record_ended
from streaming.operations.pages.overview import Overview, current_overview
from tests.streaming.operations.rows import asked, ended, failed


def recorded_overview() -> Overview:
    record_ended()
    return current_overview()


def test_what_runs_and_waits_is_counted(alice: User) -> None:
    asked(alice, accepted_at=timezone.now() - timedelta(seconds=40))
    asked(alice)
    asked(alice, status=Status.RUNNING)

    found = current_overview()

    assert (found.running, found.now.queued) == (1, 2)
    assert 40 <= found.now.oldest_queued_s < 60


def test_periods_count_what_ended_in_them(alice: User) -> None:
    ended(alice)
    ended(alice, status=Status.STOPPED)
    ended(alice, ago=1800, attempt=3)
    ended(alice, ago=4000)
    failed(alice, "no_server", ago=1800)

    quarter, hour = recorded_overview().periods

    assert (quarter.done, quarter.stopped, quarter.failed, quarter.takeovers) == (1, 1, 0, 0)
    assert (hour.done, hour.stopped, hour.failed, hour.takeovers) == (2, 1, 1, 2)
    assert (quarter.stats.failed_percent, hour.stats.failed_percent) == (0, 25)


def test_speeds_are_of_the_answers_that_have_them(alice: User) -> None:
    for ttft in (0.2, 0.4, 0.6):
        done = results_as_json({0: StageResult(StageStatus.DONE, completion_tokens=101)})
        ended(alice, ttft=ttft, writing=2.0, outcomes=done)
    failed(alice, "overloaded")

    quarter = recorded_overview().periods[0]

    first, rate = quarter.first_token, quarter.tokens_per_second
    assert (first.p50, first.p95) == pytest.approx((0.4, 0.6), rel=0.05)
    assert (rate.p50, rate.p95) == pytest.approx((50.0, 50.0), rel=0.05)
    assert quarter.throughput == pytest.approx(3 * 101 / 900, rel=0.07)  # from the beginning of a minute on


def test_first_tokens_within_a_second_and_failovers_are_counted(alice: User) -> None:
    for ttft in (0.4, 0.9, 1.1, 2.0):
        ended(alice, ttft=ttft, failovers=1)

    quarter = recorded_overview().periods[0]

    assert (quarter.stats.fast_percent, quarter.failovers) == (50, 4)


def test_answers_that_make_no_progress_are_counted(alice: User, no_redis: None) -> None:
    accepted = timezone.now() - timedelta(seconds=100)
    for due_s in (60, 150):
        outcomes = {"0": {"status": "running", "due_s": due_s}}
        asked(alice, status=Status.RUNNING, accepted_at=accepted, outcomes=outcomes)

    assert current_overview().now.stuck == 1


def test_the_most_frequent_errors_come_first(alice: User) -> None:
    for code in ("no_server", "overloaded", "overloaded"):
        failed(alice, code)
    failed(alice, "internal", ago=4000)

    assert recorded_overview().errors == [("overloaded", 2), ("no_server", 1)]


def test_the_error_that_is_named_is_of_the_same_minutes_as_the_percentage(alice: User) -> None:
    for _ in range(3):
        failed(alice, "no_server", ago=1800)
    failed(alice, "overloaded")

    assert recorded_overview().now.top_error == "overloaded"


def test_an_empty_site_has_no_figures(db: None) -> None:
    quarter = current_overview().periods[0]

    assert (quarter.stats.answers, quarter.stats.failed_percent, quarter.first_token.p50) == (0, None, None)


def test_outcomes_are_not_read_anew_for_each_figure(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    read, outcomes = Counter[UUID](), Generation.stage_results.fget
    monkeypatch.setattr(Generation, "stage_results", property(lambda one: read.update([one.pk]) or outcomes(one)))
    done = results_as_json({0: StageResult(StageStatus.DONE, "a-model", "a-server", completion_tokens=9, ended_s=2.0)})
    generation = ended(alice, outcomes=done)

    current_overview()

    assert read[generation.pk] == 1


def test_queries_do_not_grow_with_the_rows(alice: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(5):
        ended(alice)

    with django_assert_num_queries(21 + (connection.vendor == "postgresql")):
        current_overview()
