"""Where time goes, as operators see it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conversations.models.generation.plan import StageResult, StageStatus, results_as_json
from conversations.models.operations.recording import record_ended
from tests.streaming.operations.rows import CANARY, ended, failed


def by(tier: str, server: str) -> dict[str, Any]:
    return results_as_json({0: StageResult(StageStatus.DONE, tier=tier, server=server, completion_tokens=101)})


@pytest.fixture
def answers(alice: User) -> None:
    """Three: two of nano, one of smart, which took twice as long."""
    for _ in range(2):
        ended(alice, ttft=0.5, writing=2.0, outcomes=by("nano", "small:1"))
    ended(alice, ttft=1.2, writing=4.0, outcomes=by("smart", "big:1"))
    record_ended()


def page(client: Client, query: str = "") -> Any:
    return client.get(f"/ops/latency/{query}")


def test_mean_phases_add_up_to_the_whole(operator: Client, answers: None) -> None:
    everything, nano, smart = page(operator).context["parts"]

    assert [(one.tier, one.answers, one.mean) for one in (everything, nano, smart)] == [
        ("All", 3, "3.5 s"),
        ("nano", 2, "2.6 s"),
        ("smart", 1, "5.3 s"),
    ]
    widths = [sum(segment.width for segment in one.segments) for one in (nano, smart)]
    assert widths == pytest.approx([100 * 2.6 / 5.3, 100], abs=0.1)


def test_percentiles_stand_beside_each_other(operator: Client, answers: None) -> None:
    context = page(operator).context

    first_token = context["heads"].index("First token")
    told = [float(one.percentiles[first_token][0].removesuffix(" ms")) for one in context["parts"][:2]]
    assert told == pytest.approx([500, 500], rel=0.05)


def test_a_tier_and_a_server_can_be_chosen(operator: Client, answers: None) -> None:
    parts = page(operator, "?tier=smart").context["parts"]
    none = page(operator, "?tier=smart&server=small:1").context["parts"]

    assert [(part.tier, part.server) for part in parts] == [("smart", "big:1")]
    assert none == []


def test_percentiles_of_another_measure_can_be_chosen(operator: Client, answers: None) -> None:
    first = page(operator).content.decode()
    speed = page(operator, "?figure=speed")

    assert "First token: accepted to first token: p50 last" in first
    assert "Tokens per second of one answer: p50 last" in speed.content.decode()
    assert not any(cell.endswith("s") for row in speed.context["rows"] for cell in row.cells)


def test_one_that_failed_counts_with_its_time(operator: Client, alice: User) -> None:
    failed(alice, "timeout_first_token", outcomes=by("nano", "small:1"))
    record_ended()

    (part,) = page(operator).context["parts"]
    assert [segment.phase for segment in part.segments if segment.width > 1] == ["queued", "starting", "waiting"]
    assert part.percentiles[-2] == ("–", "–")  # it had no first token


def test_without_answers_it_says_so(operator: Client) -> None:
    content = page(operator).content.decode()

    assert "No answer ended in this time." in content and "No data for this time." in content


def test_short_ranges_keep_themselves_fresh_and_long_ones_say_that_they_do_not(operator: Client) -> None:
    assert "data-live-page" in page(operator, "?range=15m").content.decode()
    long = page(operator, "?range=7d").content.decode()
    assert "data-live-page" not in long and "Reload the page" in long


def test_each_piece_that_changes_has_a_name_of_its_own(operator: Client, answers: None) -> None:
    for path in ("/ops/latency/", "/ops/history/"):
        names = re.findall(r'data-live="([^"]+)"', operator.get(path).content.decode())

        assert len(names) == len(set(names)) > 3


@pytest.mark.parametrize("path", ["/ops/latency/", "/ops/history/"])
def test_no_text_of_users_is_on_it(operator: Client, alice: User, path: str) -> None:
    ended(alice)
    failed(alice, "internal")
    record_ended()

    assert CANARY not in operator.get(path).content.decode()
