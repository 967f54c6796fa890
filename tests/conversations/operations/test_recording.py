"""Each answer that ended is recorded once, whatever happens to the recorder or to the answer."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from conversations.models import Conversation, Generation, RollUp
from conversations.models.generation.generation import Status
from conversations.models.operations import recording
from conversations.models.operations.history import EVER, Grain, purge
from conversations.models.operations.recording import record_ended

from .conftest import NOON, ended, known, recorded, wrote


def test_it_is_counted_in_its_minute_hour_and_day(alice: User) -> None:
    ended(alice, NOON + timedelta(minutes=61, seconds=7))

    assert record_ended() == 1

    begins = {row.grain: row.begin - NOON for row in RollUp.objects.exclude(grain=EVER)}
    assert begins == {
        "minute": timedelta(minutes=61),
        "hour": timedelta(hours=1),
        "day": timedelta(hours=-12),
    }
    assert known(Grain.MINUTE) == known(Grain.HOUR) == known(Grain.DAY)


def test_it_is_counted_once_however_often_one_looks(alice: User) -> None:
    ended(alice)
    record_ended()

    ended(alice, NOON + timedelta(seconds=1))

    assert (record_ended(), record_ended()) == (1, 0)
    assert recorded().answers == 2


def test_one_that_has_not_ended_is_not_counted(alice: User) -> None:
    ended(alice, status=Status.RUNNING, finished_at=None)

    assert record_ended() == 0


def test_one_that_ended_just_now_is_left_for_later(alice: User) -> None:
    ended(alice, timezone.now())

    assert (record_ended(), record_ended(timedelta(0))) == (0, 1)


def test_hours_when_nobody_recorded_are_made_up_for(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "AT_ONCE", 2)
    for minutes in range(0, 300, 60):
        ended(alice, NOON + timedelta(minutes=minutes))

    assert record_ended() == 5
    assert RollUp.objects.filter(grain=Grain.HOUR).count() == 5


def test_one_whose_end_is_stored_late_is_still_counted(alice: User) -> None:
    ended(alice, NOON + timedelta(hours=1))
    record_ended()

    ended(alice, NOON)
    record_ended()

    assert recorded(Grain.DAY).answers == 2


def test_a_recorder_that_dies_in_the_middle_has_done_nothing(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(alice)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(RollUp.objects, "bulk_update", die)
        record_ended()

    assert not Generation.objects.filter(recorded=True).exists() and not RollUp.objects.exists()
    assert record_ended() == 1
    assert recorded().answers == 1


def die(*_: Any) -> None:
    raise KeyboardInterrupt


def test_two_recorders_count_it_once(alice: User) -> None:
    """The other one is faster, between this one's reading and its writing."""
    ended(alice)
    batch = recording.unrecorded(timezone.now())
    record_ended()

    with pytest.raises(recording.Overtaken):
        recording.record(batch)

    assert recorded().answers == 1


def test_erased_conversations_stay_in_the_history(alice: User) -> None:
    ended(alice)
    record_ended()
    before = known()

    Conversation.objects.all().purge()
    ended(alice)  # in the same minute
    record_ended()

    assert recorded().answers == 2
    assert known()["counts"] == {name: 2 * count for name, count in before["counts"].items()}


def test_hours_and_days_are_their_minutes_together(alice: User) -> None:
    for minutes in (0, 0, 5, 70, 130):
        ended(alice, NOON + timedelta(minutes=minutes), wrote(completion_tokens=minutes))
    record_ended()

    assert known(Grain.MINUTE) == known(Grain.HOUR) == known(Grain.DAY)
    assert recorded(Grain.DAY).counts["tokens_out"] == 205


def test_each_grain_is_kept_as_long_as_its_setting_says(alice: User, settings: Settings) -> None:
    settings.HISTORY_MINUTES_DAYS, settings.HISTORY_HOURS_DAYS = 7, 90
    ended(alice)
    record_ended()

    purge(timezone.now() + timedelta(days=8))
    assert grains() == {"hour": 1, "day": 1}
    purge(timezone.now() + timedelta(days=92))
    assert grains() == {"day": 1}


def test_what_ever_was_is_never_purged(alice: User) -> None:
    ended(alice, timezone.now() - timedelta(days=4000))
    record_ended()

    purge(timezone.now())

    assert [row.grain for row in RollUp.objects.all()] == [EVER]


def test_what_is_older_than_a_grain_is_kept_is_not_recorded_in_it(alice: User, settings: Settings) -> None:
    settings.HISTORY_MINUTES_DAYS = 7
    ended(alice, timezone.now() - timedelta(days=8))

    record_ended()

    assert grains() == {"hour": 1, "day": 1}


def grains() -> dict[str, int]:
    return dict(Counter(RollUp.objects.exclude(grain=EVER).values_list("grain", flat=True)))


def test_the_number_of_queries_does_not_grow_with_the_answers(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for seconds in range(20):
        ended(alice, NOON + timedelta(seconds=seconds))

    with django_assert_max_num_queries(12):
        record_ended()
