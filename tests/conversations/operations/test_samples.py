"""What gauges read, by minute, hour and day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations.models import Sample
from conversations.models.operations.history import Grain, Reading

from .conftest import NOON

pytestmark = pytest.mark.django_db


def readings(grain: Grain) -> list[dict[str, Reading]]:
    return [sample.readings for sample in Sample.objects.filter(grain=grain)]


def test_the_last_and_the_largest_of_each_minute_are_kept() -> None:
    for seconds, value in ((0, 3), (20, 9), (40, 4), (60, 1)):
        Sample.take(NOON + timedelta(seconds=seconds), {"running": value})

    first, second = (found["running"] for found in readings(Grain.MINUTE))
    assert (first.last, first.max, first.mean) == (4, 9, pytest.approx(16 / 3))
    assert (second.last, second.max) == (1, 1)
    assert readings(Grain.HOUR) == [{"running": Reading(4, 17, 1, 9)}] == readings(Grain.DAY)


def test_a_gauge_that_could_not_be_read_is_missing() -> None:
    Sample.take(NOON, {"running": 1, "sockets": 5})
    Sample.take(NOON, {"running": 2})

    (found,) = readings(Grain.MINUTE)
    assert found == {"running": Reading(2, 3, 2, 2), "sockets": Reading(1, 5, 5, 5)}
