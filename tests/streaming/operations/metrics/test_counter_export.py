"""Buckets of durations."""

from datetime import timedelta

from streaming.telemetry.histograms import BOUNDS_S, DURATION, TIME_TO_FIRST_TOKEN, bucket_of, buckets


def test_a_bound_belongs_to_its_own_bucket() -> None:
    assert bucket_of(TIME_TO_FIRST_TOKEN, 0.5) == "0.5"
    assert bucket_of(TIME_TO_FIRST_TOKEN, 0.5001) == "0.75"


def test_above_the_last_bound_is_infinity() -> None:
    assert bucket_of(DURATION, timedelta(days=1).total_seconds()) == "+Inf"


def test_buckets_of_nothing_are_empty_and_complete() -> None:
    assert buckets(DURATION, {}) == [*((str(bound), 0) for bound in BOUNDS_S[DURATION]), ("+Inf", 0)]
