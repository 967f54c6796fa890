"""Percentiles come from merged buckets."""

from __future__ import annotations

import json
import math
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.models.operations.histogram import ERROR, LARGEST, SMALLEST, Histogram, bucket_of, upper_bound

VALUES = st.lists(st.floats(SMALLEST * 1.2, LARGEST / 1.2), min_size=1, max_size=60)


def histogram(values: list[float]) -> Histogram:
    found = Histogram()
    for value in values:
        found.observe(value)
    return found


def merged(*parts: Histogram) -> Histogram:
    return reduce(lambda whole, part: whole.add(part) or whole, parts, Histogram())


def same(one: Histogram, other: Histogram) -> bool:
    return one.buckets == other.buckets and one.sum == pytest.approx(other.sum)


@given(VALUES, st.integers(0, 60))
def test_merged_parts_are_what_was_recorded_at_once(values: list[float], cut: int) -> None:
    parts = merged(histogram(values[:cut]), histogram(values[cut:]))

    assert same(parts, histogram(values))


@given(VALUES, VALUES, VALUES)
def test_merging_is_associative_and_commutative(one: list[float], two: list[float], three: list[float]) -> None:
    a, b, c = histogram(one), histogram(two), histogram(three)

    assert same(merged(merged(a, b), c), merged(a, merged(b, c)))
    assert same(merged(a, b), merged(b, a))


@given(VALUES, st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_within_the_buckets_error_of_the_true_one(values: list[float], share: float) -> None:
    true = sorted(values)[max(math.ceil(share * len(values) - 1e-9), 1) - 1]

    assert histogram(values).quantile(share) == pytest.approx(true, rel=ERROR + 1e-9)


@given(st.lists(st.floats(0.001, 30) | st.just(1.0), min_size=1))
def test_the_share_within_a_second_is_exact(values: list[float]) -> None:
    assert histogram(values).share_within(1) == sum(value <= 1 for value in values) / len(values)


@given(VALUES)
def test_it_is_the_same_after_it_was_stored(values: list[float]) -> None:
    found, read = histogram(values), Histogram()

    read.add_json(json.loads(json.dumps(found.as_json())))

    assert same(read, found)


@given(st.floats(SMALLEST, LARGEST))
def test_a_value_is_in_the_bucket_whose_bounds_hold_it(value: float) -> None:
    bucket = bucket_of(value)

    assert upper_bound(bucket - 1) * (1 - 1e-9) <= value <= upper_bound(bucket) * (1 + 1e-9)


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-12, 1e12])
def test_what_is_beyond_the_buckets_is_counted_in_the_outermost(value: float) -> None:
    assert histogram([value]).count == 1
    assert bucket_of(SMALLEST) <= bucket_of(value) <= bucket_of(LARGEST)


def test_of_nothing_nothing_is_known() -> None:
    nothing = Histogram()

    assert nothing.quantile(0.5) is nothing.share_within(1) is nothing.mean is None
