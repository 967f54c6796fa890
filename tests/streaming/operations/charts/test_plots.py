"""Pictures that say neither more nor less than the figures."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from conversations.models.operations.history import Grain
from streaming.operations.charts.plots import SCALE, Plot, Series, path_of, round_top, steps_to
from streaming.operations.charts.stacks import Stack, few
from streaming.operations.charts.units import number_words, percent_words, seconds_words
from streaming.operations.queries.ranges import Range

NOON = datetime(2026, 5, 5, 12, tzinfo=UTC)
HOUR = Range(NOON, NOON + timedelta(hours=1), timedelta(minutes=10), Grain.MINUTE)


@given(st.floats(1e-9, 1e12))
def test_the_axis_has_a_few_round_steps_and_reaches_the_largest_value(value: float) -> None:
    top = round_top(value)
    steps = steps_to(top)

    assert value <= top * (1 + 1e-6) and 2 <= len(steps) <= 6
    assert all(re.fullmatch(r"[0-9]\.?[05]?e[+-]\d+", f"{step:.1e}") for step in steps)


def test_an_axis_of_nothing_but_zeros_is_there() -> None:
    assert round_top(0) == 1


def test_a_line_has_a_gap_where_nothing_is_known() -> None:
    path = path_of([1, 2, None, 0, None, None], 2)

    assert path.count("M") == 2 and path.count("L") == 1
    assert path.endswith(f"M583.3 {SCALE:.1f}h0.01")  # a lone value is a dot; zero is at the bottom


def test_the_last_value_is_the_last_known_one() -> None:
    assert Series("a", [1, 0, None]).last == 0
    assert Series("a", [None]).last is None


def test_times_on_the_axis_are_round_by_the_sites_clock() -> None:
    scope = Range(NOON, NOON + timedelta(hours=6), timedelta(minutes=5), Grain.MINUTE)
    with timezone.override("Asia/Kolkata"):
        plot = Plot("a", [Series("b", [1.0] * 72)], scope, number_words)

        assert [tick.label for tick in plot.across] == ["18:00", "19:00", "20:00", "21:00", "22:00", "23:00"]
        assert plot.across[0].place == pytest.approx(100 * 0.5 / 6, abs=0.01)


def test_days_on_the_axis_are_named() -> None:
    scope = Range(NOON, NOON + timedelta(days=4), timedelta(hours=1), Grain.HOUR)

    assert [tick.label for tick in Plot("a", [], scope, number_words).across] == ["May 6", "May 7", "May 8", "May 9"]


def test_who_points_at_a_bin_is_told_its_values() -> None:
    plot = Plot("a", [Series("p50", [0.25, None, None, None, None, None])], HOUR, seconds_words)

    first, second, *_ = plot.columns
    assert (first.title, second.title) == ("May 5, 12:00: p50 250 ms", "May 5, 12:10: no data")


def test_a_bin_that_is_not_over_is_shaded() -> None:
    going_on = Range(NOON, NOON + timedelta(minutes=55), timedelta(minutes=10), Grain.MINUTE)

    assert Plot("a", [], HOUR, number_words).open_bin is None
    assert Plot("a", [], going_on, number_words).open_bin is not None


# Columns


def test_columns_stand_on_top_of_each_other() -> None:
    plot = Stack("a", [Series("x", [3, None, 0, 0, 0, 0]), Series("y", [1, 2, 0, 0, 0, 0])], HOUR, number_words)

    assert plot.top == 4
    assert [(bar.series, bar.y, bar.height) for bar in plot.bars] == [(1, 25, 75), (2, 0, 25), (2, 50, 50)]


def test_more_parts_than_colours_end_in_one() -> None:
    series = [Series(str(number), [number] * 6) for number in range(7)]

    assert few(series[:5]) == series[:5]
    assert [(one.label, one.values[0]) for one in few(series)] == [
        *(("6", 6), ("5", 5), ("4", 4), ("3", 3)),
        ("others", 3),
    ]


# Heat maps


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0 s"), (0.0854, "85.4 ms"), (0.9999, "1 s"), (1.25, "1.25 s"), (150, "2.5 min"), (7200, "2 h")],
)
def test_seconds_have_the_unit_that_fits(value: float, words: str) -> None:
    assert seconds_words(value) == words


def test_numbers_are_short() -> None:
    assert [number_words(value) for value in (0, 0.5, 12, 1234, 12_345, 2_500_000)] == [
        *("0", "0.5", "12", "1,234"),
        *("12.35 k", "2.5 M"),
    ]
    assert percent_words(99.5) == "99.5 %"
