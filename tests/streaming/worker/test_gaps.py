"""Gaps between tokens, counted while they stream."""

from itertools import accumulate

import pytest

from streaming.worker.stage.stats import BOUNDS_S, Gaps, gap_stats

WITHIN = 0.05  # the error of a Histogram


def counted(*gaps_s: float) -> Gaps:
    gaps = Gaps()
    for at in accumulate(gaps_s, initial=1000.0):
        gaps.record(at)
    return gaps


def test_percentiles_are_those_of_all_gaps() -> None:
    figures = gap_stats([counted(*[0.01] * 90, *[0.2] * 9, 1.5)])

    assert figures["gap_p50_ms"] == pytest.approx(10, rel=WITHIN)
    assert figures["gap_p95_ms"] == pytest.approx(200, rel=WITHIN)
    assert figures["gap_longest_ms"] == pytest.approx(1500)


def test_stages_are_counted_together() -> None:
    figures = gap_stats([counted(*[0.01] * 50), counted(*[0.1] * 51)])

    assert figures["gap_p50_ms"] == pytest.approx(100, rel=WITHIN)


@pytest.mark.parametrize("gaps", [[], [Gaps()], [counted()]])
def test_without_two_pieces_there_is_no_gap(gaps: list[Gaps]) -> None:
    assert gap_stats(gaps) == {}


def test_a_gap_of_any_length_has_a_bucket() -> None:
    figures = gap_stats([counted(0.0, 1e-9, 86_400.0)])

    assert figures["gap_longest_ms"] == pytest.approx(86_400_000)
    assert figures["gap_p95_ms"] <= figures["gap_longest_ms"]


def test_counting_takes_no_more_memory_however_long_the_answer() -> None:
    assert len(counted(*[0.01] * 5000).counts) == len(BOUNDS_S) + 1
