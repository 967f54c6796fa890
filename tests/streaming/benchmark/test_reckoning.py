"""What is made of the measured values: percentiles, comparisons, targets, the search for the limit."""

from __future__ import annotations

import pytest

from streaming.benchmark.figures import Figure, Result, percentile, percentiles
from streaming.benchmark.measure import largest
from streaming.benchmark.report import comparison, plot, rounded, table
from streaming.benchmark.websocket import FINAL, TEXT, frame_at, frame_of


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([7], 50, 7), ([7], 99, 7), ([1, 2, 3, 4], 50, 2), ([4, 1, 3, 2], 75, 3), ([1, 2], 95, 2), ([3, 1, 2], 0, 1)],
)
def test_a_percentile_is_the_value_of_the_nearest_rank(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_percentiles_of_a_hundred_seconds_are_their_numbers() -> None:
    found = percentiles("lag", range(100, 0, -1), 7)

    assert [(figure.name, figure.value) for figure in found] == [
        ("lag p50", 50e3),
        ("lag p95", 95e3),
        ("lag p99", 99e3),
    ]


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_a_missed_target_is_marked() -> None:
    lines = list(table(result(Figure("stop p95", 200, "ms"), Figure("added lag p95", 7, "ms", 50))))

    assert any(line.startswith("stop p95") and "200!" in line and "≤ 150" in line for line in lines)
    assert any(line.startswith("added lag p95") and "7.00" in line and "≤ 8 at 50" in line for line in lines)


def test_runs_are_compared_by_name_and_number_of_streams() -> None:
    before = result(Figure("lag p95", 10, "ms", 50), Figure("lag p95", 3, "ms", 1), Figure("gone", 1, "ms"))
    now = result(Figure("lag p95", 15, "ms", 50), Figure("new", 1, "ms"))

    text = "\n".join(comparison(before, now))

    assert "+50 %" in text and "gone" not in text and "new" not in text


def test_a_run_without_loads_has_a_plot_too() -> None:
    assert plot(result()).startswith("<svg")


@pytest.mark.parametrize(("value", "shown"), [(1234.5, "1,234"), (12.34, "12.3"), (1.234, "1.23"), (-0.5, "-0.50")])
def test_figures_are_rounded_to_what_counts(value: float, shown: str) -> None:
    assert rounded(value) == shown


@pytest.mark.parametrize("limit", [0, 1, 7, 50, 130, 999])
async def test_the_limit_is_found_within_a_tenth(limit: int) -> None:
    asked = []

    async def holds(streams: int) -> bool:
        asked.append(streams)
        return streams <= limit

    found = await largest(50, holds)

    assert limit * 0.9 - 1 <= found <= limit and len(asked) < 20


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame_is_read_once_it_is_all_there(length: int) -> None:
    frame = as_server(frame_of(1, b"x" * length), length)

    assert all(frame_at(frame[:cut], 0) is None for cut in {0, 1, 2, 5, len(frame) - 1} if cut < len(frame))
    assert frame_at(frame + b"more", 0) == (FINAL | TEXT, b"x" * length, len(frame))


def as_server(frame: bytes, length: int) -> bytes:
    """The same frame as a server sends it: without a mask."""
    head = len(frame) - length - 4
    return frame[:1] + bytes([frame[1] & 0x7F]) + frame[2:head] + frame[head + 4 :]


def result(*figures: Figure) -> Result:
    return Result("2026-01-01", "a machine", "options", list(figures))
