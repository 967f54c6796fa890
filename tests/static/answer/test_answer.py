"""An answer's events fold to its text, whatever is lost, doubled or late on the way."""

from __future__ import annotations

import random

import pytest

from conversations.rendering import References, render_tail

from ..conftest import LiveAnswer

TEXT = "Words come **one by one**, with 🧵 and שלום.\n\n- a list\n- of two\n\nAnd an end."


def test_text_is_shown_at_once(answer: LiveAnswer) -> None:
    answer.text(0, "Hello ")
    answer.text(6, "world")

    assert answer.shown == "Hello world"


def test_text_that_comes_twice_is_shown_once(answer: LiveAnswer) -> None:
    answer.text(0, "Hello ")
    answer.text(0, "Hello world")
    answer.text(3, "lo wor")

    assert answer.source == answer.shown == "Hello world"


def test_a_hole_empties_the_answer_and_asks_once(answer: LiveAnswer) -> None:
    answer.text(0, "Hello ")

    assert not answer.text(9, "hole")
    assert answer.text(13, "and more of it")  # already asked
    assert answer.seen == {"0.text": [0, 0]}
    assert answer.shown == ""


def test_the_end_is_not_believed_while_text_is_missing(answer: LiveAnswer) -> None:
    answer.text(0, "Hello ")
    answer.text(9, "hole")

    answer.finish({})

    assert answer.attribute("article", "data-state") == "streaming"


def test_finished_blocks_take_the_place_of_the_tail(answer: LiveAnswer) -> None:
    answer.text(0, "One\n\nTwo")
    answer.hear("blocks.done", part="0.text", first=0, html=["<p>One</p>"], upto=5)
    answer.hear("tail.rendered", part="0.text", html="<p>Two</p>", upto=8)

    assert answer.shown == "OneTwo"
    assert answer.page.locator("[data-block]").count() == 1
    assert answer.seen == {"0.text": [8, 1]}


def test_blocks_that_come_twice_are_shown_once(answer: LiveAnswer) -> None:
    answer.text(0, "One\n\nTwo\n\nThree")
    answer.hear("blocks.done", part="0.text", first=0, html=["<p>One</p>"], upto=5)
    answer.hear("blocks.done", part="0.text", first=0, html=["<p>One</p>", "<p>Two</p>"], upto=10)

    assert answer.shown == "OneTwoThree"


def test_text_after_a_rendered_tail_goes_into_its_last_block(answer: LiveAnswer) -> None:
    answer.text(0, "- one\n- tw")
    answer.hear("tail.rendered", part="0.text", html="<ul><li>one</li><li>tw</li></ul>", upto=10)
    answer.text(10, "o")
    answer.show()

    assert answer.page.locator("li").nth(1).text_content() == "two"


@pytest.mark.parametrize(
    ("begun", "more", "shown"),
    [
        ("```sql\nSELECT tok", "ens\nFROM", "SELECT tokens\nFROM"),
        ("```sql\nSELECT 1\n", "FROM", "SELECT 1\nFROM"),
        ("```\nplain ", "text", "plain text"),
        ("this is the ", "*demo", "this is the *demo"),
        ("a line\n", "another", "a line\nanother"),
        ("- an item ", "goes on", "an item goes on"),
    ],
)
def test_text_goes_on_where_the_rendering_ends(answer: LiveAnswer, begun: str, more: str, shown: str) -> None:
    answer.rendered_text(0, begun, render_tail(begun, References()).html)
    answer.show()

    answer.text(len(begun), more)
    answer.show()

    block = answer.page.locator("pre code, [data-tail] p, [data-tail] li").last
    assert block.evaluate("(block) => block.textContent").strip("\n") == shown


def test_what_follows_in_a_table_waits_for_its_cell(answer: LiveAnswer) -> None:
    begun = "|a|b|\n|-|-|\n|1|"
    answer.rendered_text(0, begun, render_tail(begun, References()).html)
    answer.show()
    answer.text(len(begun), "two")
    answer.show()
    assert answer.shown.split() == ["a", "b", "1"]

    whole = f"{begun}two"
    answer.hear("tail.rendered", part="0.text", html=render_tail(whole, References()).html, upto=len(whole))
    answer.show()
    assert answer.shown.split() == ["a", "b", "1", "two"]


@pytest.mark.parametrize("begun", ["1", "1. ", "- ", "**", "# ", "```"])
def test_what_may_become_something_else_is_not_shown_and_taken_back(answer: LiveAnswer, begun: str) -> None:
    answer.text(0, begun)
    answer.show()
    assert answer.shown == ""

    answer.hear("tail.rendered", part="0.text", html="", upto=len(begun))
    answer.text(len(begun), "2 and more")
    answer.show()
    assert answer.shown == ""  # not "2 and more" without what stands before it

    whole = f"{begun}2 and more"
    answer.hear("tail.rendered", part="0.text", html=f"<p>{whole}</p>", upto=len(whole))
    answer.text(len(whole), ", at once")
    answer.show()
    assert answer.shown == f"{whole}, at once"


def test_a_line_that_begins_waits_until_it_is_clear_what_it_is(answer: LiveAnswer) -> None:
    answer.text(0, "We count:\n1")
    answer.show()
    assert answer.shown == "We count:"

    answer.text(11, " apple")
    answer.show()
    assert answer.shown == "We count:\n1 apple"


def test_a_part_that_is_restarted_drops_its_text(answer: LiveAnswer) -> None:
    answer.text(0, "One\n\nTwo")
    answer.hear("blocks.done", part="0.text", first=0, html=["<p>One</p>"], upto=5)
    answer.hear("part.restarted", position="2-1", part="0.text")
    answer.text(0, "Anew")

    assert answer.source == answer.shown == "Anew"


def test_thinking_folds_when_the_answer_begins(answer: LiveAnswer) -> None:
    answer.text(0, "\n\nHm", part="0.thinking")
    assert answer.shown == "ThinkingHm"
    assert answer.attribute("details", "open") is not None

    answer.text(0, "Yes")

    assert answer.shown == "ThinkingHmYes"
    assert answer.attribute("details", "open") is None


def test_the_end_swaps_only_the_blocks_that_differ(answer: LiveAnswer) -> None:
    answer.text(0, "One\n\nTwo")
    answer.hear("blocks.done", part="0.text", first=0, html=["<p>One</p>"], upto=5)
    answer.show()
    answer.page.evaluate("window.kept = document.querySelector('[data-block]').firstChild")

    answer.finish({"1": "<p>Two</p>"})

    assert answer.shown == "OneTwo"
    assert answer.page.evaluate("kept.isConnected")
    assert answer.attribute("article", "data-state") == "done"


def test_text_is_never_markup(answer: LiveAnswer) -> None:
    answer.text(0, "<img src=x onerror=alert(1)>")

    assert answer.page.locator("[data-parts] img").count() == 0
    assert answer.shown == "<img src=x onerror=alert(1)>"


def test_any_cuts_and_doublings_fold_to_the_text(answer: LiveAnswer) -> None:
    chance = random.Random(7)
    units = TEXT.encode("utf-16-le")
    whole = len(units) // 2
    at = 0
    while at < whole:
        start = chance.randint(max(0, at - 5), at)
        end = min(whole, at + chance.randint(1, 6))
        piece = units[start * 2 : end * 2].decode("utf-16-le", "surrogatepass")
        if piece.isprintable() or "\n" in piece:  # half of a pair cannot be sent
            answer.text(start, piece)
            at = end

    assert answer.source == TEXT
    assert answer.shown == TEXT
