"""What operators may look at, and in what bins."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from conversations.models import RollUp
from conversations.models.operations.history import Grain
from streaming.operations.queries.ranges import MOST_BINS, RANGES, USUAL, QueryForm, QueryParams, Range

UTC = ZoneInfo("UTC")
NOW = datetime(2026, 5, 5, 12, 34, 56, tzinfo=UTC)
AGES = st.timedeltas(timedelta(0), timedelta(days=1500))
LENGTHS = st.timedeltas(timedelta(minutes=1), timedelta(days=1500))


@given(AGES, LENGTHS)
def test_the_bins_reach_the_end_and_are_not_too_many(age: timedelta, length: timedelta) -> None:
    end = NOW - age
    scope = Range.of(end - length, end, NOW)

    assert 1 <= len(scope.bins) <= MOST_BINS + 1
    assert scope.bins[-1] < end <= scope.bins[-1] + scope.bin
    assert scope.begin < end - length + scope.bin


@given(AGES, LENGTHS)
def test_every_roll_up_is_wholly_in_one_bin(age: timedelta, length: timedelta) -> None:
    scope = Range.of(NOW - age - length, NOW - age, NOW)

    assert all(scope.grain.begin_of(begin) == begin for begin in scope.bins)
    assert scope.bin % scope.grain.length == timedelta(0)


@pytest.mark.parametrize(
    ("name", "bins", "minutes", "grain"),
    [
        ("15m", 15, 1, "minute"),
        ("1h", 60, 1, "minute"),
        ("6h", 72, 5, "minute"),
        ("24h", 96, 15, "minute"),
        ("7d", 84, 120, "hour"),
        ("30d", 60, 720, "hour"),
    ],
)
def test_each_range_has_its_bins(name: str, bins: int, minutes: int, grain: str) -> None:
    scope = Range.of(NOW - RANGES[name][1], NOW, NOW)

    assert (len(scope.bins), scope.bin, scope.grain) == (bins, timedelta(minutes=minutes), grain)


def test_of_what_minutes_are_not_kept_any_more_hours_are_read(settings: Settings) -> None:
    settings.HISTORY_MINUTES_DAYS, settings.HISTORY_HOURS_DAYS = 7, 90
    hour = timedelta(hours=1)

    grains = [Range.of(NOW - timedelta(days=days) - hour, NOW - timedelta(days=days), NOW).grain for days in (6, 8, 91)]

    assert grains == [Grain.MINUTE, Grain.HOUR, Grain.DAY]


def wanted(**given: Any) -> QueryParams:
    return QueryForm(given).params


@pytest.mark.django_db
def test_without_a_choice_the_last_hour_of_all_is_shown() -> None:
    found = wanted()

    assert (found.name, found.tier, found.server, found.rows) == (USUAL, "", "", {})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given",
    [
        {"range": "nonsense"},
        {"tier": "nobody"},
        {"range": "own"},
        {"range": "own", "begin": "2026-05-05T12:00", "end": "2026-05-05T11:00"},
        {"range": "own", "begin": "tomorrow", "end": "2026-05-05T11:00"},
        {"range": "own", "begin": "9998-05-05T12:00", "end": "9999-05-05T11:00"},
        {"range": "own", "begin": "0001-01-01T00:00", "end": "2026-05-05T11:00"},
    ],
)
def test_what_makes_no_sense_is_said_and_the_last_hour_shown(given: dict[str, str]) -> None:
    form = QueryForm(given)

    assert form.errors
    assert form.params.name == USUAL


@pytest.mark.django_db
def test_ones_own_range_is_by_the_sites_clock() -> None:
    day = timezone.now().date() - timedelta(days=2)
    with timezone.override("Asia/Kolkata"):
        found = wanted(range="own", begin=f"{day}T12:00", end=f"{day}T13:00")

    assert found.range.begin == datetime(day.year, day.month, day.day, 6, 30, tzinfo=UTC)
    assert found.range.end - found.range.begin == timedelta(hours=1)


@pytest.mark.django_db
def test_what_is_not_kept_any_more_is_refused(settings: Settings) -> None:
    settings.HISTORY_DAYS_DAYS = 30
    days = [f"{timezone.now() - timedelta(days=ago):%Y-%m-%dT%H:%M}" for ago in (31, 29, 1)]

    assert wanted(range="own", begin=days[1], end=days[2]).name == "own"
    assert QueryForm({"range": "own", "begin": days[0], "end": days[2]}).errors == {
        "__all__": ["Stats are kept for 30 days: begin later."]
    }


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_the_first_and_the_last_moment_of_all_break_no_page(operator: Client, zone: str) -> None:
    yesterday = f"{timezone.now() - timedelta(days=1):%Y-%m-%dT%H:%M}"
    with timezone.override(zone):
        for begin, end in (("0001-01-01T00:00", yesterday), (yesterday, "9999-12-31T23:59")):
            assert operator.get("/ops/history/", {"range": "own", "begin": begin, "end": end}).status_code == 200


@pytest.mark.django_db
def test_tiers_and_servers_of_the_history_can_be_chosen() -> None:
    RollUp.objects.create(grain=Grain.DAY, begin=NOW, tier="nano", server="")

    assert wanted(tier="nano").rows == {"tier": "nano"}
    assert wanted(server="none").rows == {"server": ""}


def test_bins_are_whole_where_the_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    begin, end = datetime(2026, 3, 29, tzinfo=berlin), datetime(2026, 3, 30, tzinfo=berlin)

    scope = Range.of(begin.astimezone(UTC), end.astimezone(UTC), NOW - timedelta(days=36))

    assert len(scope.bins) * scope.bin == timedelta(hours=23)
