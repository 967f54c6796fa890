"""What is said of an answer on its way: what it waits for, how far it is, how long it will take."""

from __future__ import annotations

from typing import Any

import pytest

from ..conftest import LiveAnswer

LISTENER = """
window.said = [];
const status = document.querySelector("span[data-phase]");
new MutationObserver(() => window.said.push(status.textContent)).observe(status, { childList: true });
"""


def enter(answer: LiveAnswer, phase: str, **fields: Any) -> str:
    """What then stands there."""
    answer.hear("answer.phase", position="1-1", phase=phase, **fields)
    return sentence(answer)


def sentence(answer: LiveAnswer) -> str:
    places = answer.page.locator("span[data-phase], [data-more]").all_text_contents()
    return "".join(places)


def write(answer: LiveAnswer, seconds: int, rate: int) -> None:
    """So many tokens a second, as the server counts them."""
    for _ in range(seconds * 5):
        at, more = len(answer.source), rate // 5
        answer.hear("text.delta", position="1-1", part="0.text", at=at, text="x" * more, tokens=at + more)
        answer.page.clock.run_for(200)


def figures(answer: LiveAnswer) -> str:
    return answer.page.locator("[data-stats]").inner_text()


@pytest.fixture
def timed(answer: LiveAnswer) -> LiveAnswer:
    """On a page whose time passes when the test says so."""
    answer.page.clock.install(time="2029-12-31")
    answer.page.reload()
    answer.page.wait_for_function("window.answer")
    answer.page.clock.pause_at("2030-01-01")
    answer.page.evaluate("answer.setState('queued')")  # from now on
    return answer


@pytest.mark.parametrize(
    ("phase", "fields", "wanted"),
    [
        ("queued", {}, "Waiting in line…"),
        ("queued", {"ahead": 2}, "Waiting in line, 2 ahead of you…"),
        ("queued", {"ahead": 0}, "Waiting in line, you are next…"),
        ("queued", {"ahead": 2, "held": True}, "Waiting for your other answers to finish, 2 more before this one…"),
        ("queued", {"ahead": 0, "held": True}, "Waiting for your other answers to finish…"),
        ("waiting", {}, "Waiting for the model server…"),
        ("waiting", {"ahead": 3}, "Waiting for the model server, 3 ahead…"),
        ("waiting", {"reading": 4000}, "Reading your chat, about 4,000 tokens…"),
        ("waiting", {"reading": 1}, "Reading your chat, about 1 token…"),
        ("thinking", {}, "Thinking…"),
        ("writing", {}, "Writing…"),
    ],
)
def test_the_sentence_says_what_is_known(answer: LiveAnswer, phase: str, fields: dict[str, int], wanted: str) -> None:
    assert enter(answer, phase, **fields) == wanted


def test_a_place_that_changes_is_not_announced(answer: LiveAnswer) -> None:
    answer.page.evaluate(LISTENER)

    enter(answer, "waiting")
    for ahead in (3, 2, 1, 0):
        enter(answer, "waiting", ahead=ahead)
    enter(answer, "waiting", reading=40)
    answer.text(0, "Hello")
    answer.text(5, " world")

    assert answer.page.evaluate("said") == ["Waiting for the model server", "Reading your chat", "Writing"]


def test_the_time_that_is_left_is_told_once_the_speed_is_known(timed: LiveAnswer) -> None:
    enter(timed, "writing", expectedTokens=300)

    write(timed, 1, rate=20)
    assert "left" not in figures(timed)

    write(timed, 4, rate=20)
    assert figures(timed).startswith("100 tokens · ")
    assert figures(timed).endswith("/s · 5 s · about 10 s left")


def test_an_answer_that_gets_longer_than_expected_says_so_instead(timed: LiveAnswer) -> None:
    enter(timed, "writing", expectedTokens=100)

    write(timed, 6, rate=20)

    assert figures(timed).endswith("longer than usual")
    assert float(timed.attribute("[data-bar]", "aria-valuenow") or 0) < 100


def test_before_the_first_token_the_usual_time_is_told(timed: LiveAnswer) -> None:
    enter(timed, "waiting", expectedTokens=300, expectedSeconds=12.4)
    timed.page.clock.run_for(3000)
    assert figures(timed) == "3 s · usually about 10 s"

    timed.page.clock.run_for(12_000)

    assert figures(timed) == "15 s · longer than usual"


def test_the_bar_never_goes_back(timed: LiveAnswer) -> None:
    enter(timed, "writing", expectedTokens=100)
    write(timed, 4, rate=20)
    before = timed.attribute("[data-bar]", "aria-valuenow")

    enter(timed, "writing", expectedTokens=1000)
    write(timed, 1, rate=20)

    assert timed.attribute("[data-bar]", "aria-valuenow") == before == "80"


def test_a_model_server_that_falls_silent_is_waited_for(timed: LiveAnswer) -> None:
    write(timed, 1, rate=20)
    assert sentence(timed) == "Writing…"

    timed.page.clock.run_for(6000)
    assert sentence(timed) == "Waiting for the model server…"

    write(timed, 1, rate=20)
    assert sentence(timed) == "Writing…"


def test_a_pause_is_no_slow_writing_and_what_then_comes_at_once_no_fast_one(timed: LiveAnswer) -> None:
    enter(timed, "writing", expectedTokens=1000)
    write(timed, 4, rate=20)
    assert "about 50 s left" in figures(timed)

    timed.page.clock.run_for(2000)
    assert "/s" not in figures(timed) and "left" not in figures(timed)

    timed.hear("text.delta", position="1-1", part="0.text", at=80, text="x" * 400, tokens=480)
    timed.page.clock.run_for(200)
    write(timed, 3, rate=20)
    assert figures(timed).endswith("about 25 s left")
