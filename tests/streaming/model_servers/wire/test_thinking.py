"""Thinking is told from the answer where the server does not, wherever its text is cut."""

from __future__ import annotations

import pytest

from streaming.model_servers.vllm.thinking import MOST_BLANKS, MOST_MENTIONS, ThinkSplitter, split


def parts(splitter: ThinkSplitter, text: str, size: int) -> tuple[str, str]:
    """As they stand at the end: what turns out to be thinking has moved."""
    thinking = answer = ""
    for i in range(0, len(text), size):
        more_thinking, more = splitter.feed(text[i : i + size])
        if splitter.was_thinking:
            splitter.was_thinking = False
            thinking, answer = thinking + answer, ""
        thinking, answer = thinking + more_thinking, answer + more
    more_thinking, more = splitter.finish()
    return thinking + more_thinking, answer + more


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        ("plain answer", "", "plain answer"),
        ("<think>\nhm\n</think>\n\nyes", "\nhm\n", "\n\nyes"),
        ("\n<think>a</thin</think>b", "a</thin", "b"),
        ("say <think> is a tag", "", "say <think> is a tag"),
        ("<think>never closed", "never closed", ""),
        ("<thi", "", "<thi"),
        ("<think>a</think>b</think>c<think>", "a", "b</think>c<think>"),
        ("Let me see.\n</think>\n\nParis.", "Let me see.\n", "\n\nParis."),
        ("Let me see</think>Paris", "Let me see", "Paris"),
        ("</think>\n\nParis", "", "\n\nParis"),
        ("\n\n</think>Paris", "\n\n", "Paris"),
        ("a < b</think>b > a</think>", "a < b", "b > a</think>"),
        ("so</think", "", "so</think"),
        ("Write `</think>` at the end.", "", "Write `</think>` at the end."),
        ("```\n</think>\n```\nThat is it.", "", "```\n</think>\n```\nThat is it."),
        ("Is `</think>` meant? Yes.\n</think>\nIt closes.", "Is `</think>` meant? Yes.\n", "\nIt closes."),
        ("Tags are <think> and </think>.", "", "Tags are <think> and </think>."),
        ("<|im_end|>", "", "<|im_end|>"),
    ],
)
def test_thinking_is_split_off_wherever_the_chunks_are_cut(text: str, thinking: str, answer: str) -> None:
    for size in range(1, len(text) + 1):
        assert parts(ThinkSplitter(), text, size) == (thinking, answer)
    assert split(text) == (thinking, answer)


def test_text_that_goes_on_may_still_be_thinking() -> None:
    assert parts(ThinkSplitter("Let me"), " see</think>Paris", 3) == (" see", "Paris")
    assert parts(ThinkSplitter("Let `"), "</think>`", 3) == ("", "</think>`")


def test_a_tag_is_text_where_the_thinking_is_known() -> None:
    assert parts(ThinkSplitter("Say", is_told=True), " </think>.", 2) == ("", " </think>.")

    trusting = ThinkSplitter()
    trusting.trust()
    assert parts(trusting, "Say </think>.", 2) == ("", "Say </think>.")


def test_what_is_held_back_keeps_its_place_when_the_server_tells_its_thinking() -> None:
    splitter = ThinkSplitter()

    said = [splitter.feed("a <")]
    splitter.trust()

    assert [*said, splitter.feed("b"), splitter.finish()] == [("", "a "), ("", "<b"), ("", "")]


def test_blanks_are_held_back_within_bounds() -> None:
    splitter = ThinkSplitter()

    assert sum(bool(splitter.feed("\n")[1]) for _ in range(2 * MOST_BLANKS)) > MOST_BLANKS
    assert split("\n" * 2 * MOST_BLANKS + "<think>a</think>b") == ("a", "b")


def test_a_text_that_mentions_the_tag_all_the_time_is_no_thinking() -> None:
    text = "`</think>` " * 2 * MOST_MENTIONS + "</think> too."

    for size in (1, 9, len(text)):
        assert parts(ThinkSplitter(), text, size) == ("", text)


def test_text_is_not_held_back_without_need() -> None:
    splitter = ThinkSplitter()

    assert [splitter.feed(text)[1] for text in ("Hi", " a<", "b", " <", "/", "p>")] == [
        "Hi",
        " a",
        "<b",
        " ",
        "",
        "</p>",
    ]
