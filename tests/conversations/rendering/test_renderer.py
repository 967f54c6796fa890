"""What a reader sees is what GitHub's renderer or markdown-it-py would show, in nearly all cases, from any thread; and
what titles and excerpts have of it."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from conversations.rendering import plain_text, render

from .fuzz import DATA, TEXTS
from .trees import tree_of

# Emphasis that we find beside CJK and other punctuation, where the letter of the specification does not.
KNOWN_DIFFERENCES = {"bold-paren", "cjk-bold", "answer-chinese"}


@pytest.mark.parametrize("name", ["corpus", "own"])
def test_what_models_write_looks_as_it_should(name: str) -> None:
    snippets = json.loads((DATA / f"{name}.json").read_text())
    accepted = json.loads((DATA / f"{name}.accepted.json").read_text())

    differing = {
        snippet["name"] for snippet in snippets if tree_of(render(snippet["text"])) not in accepted[snippet["name"]]
    }

    assert differing <= KNOWN_DIFFERENCES
    assert len(differing) <= len(snippets) * 0.02


def test_most_examples_of_commonmark_without_raw_html_are_met() -> None:
    examples = json.loads((DATA / "commonmark.json").read_text())

    met = sum(tree_of(render(example["markdown"])) == example["tree"] for example in examples)

    assert met >= len(examples) * 0.96


def test_threads_do_not_disturb_each_other() -> None:
    alone = [render(text) for text in TEXTS]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(render, TEXTS * 2))

    assert together == alone * 2


# Titles and excerpts


def test_marks_are_left_out() -> None:
    assert plain_text("# A **bold** [title](https://a.example)\n\n- `one`\n- two\n", 100) == "A bold title one two"


def test_the_bar_of_code_is_left_out() -> None:
    assert plain_text("```python\nx = 1\n```\n", 100) == "x = 1"


def test_long_text_ends_with_an_ellipsis() -> None:
    assert plain_text("word " * 100, 12) == "word word w…"


def test_a_mark_that_is_cut_in_two_is_left_out() -> None:
    assert plain_text("**" + "a" * 100 + "**", 20) == "a" * 19 + "…"


def test_characters_are_characters_and_not_entities() -> None:
    assert plain_text("AT&T < 5 &copy; &amp;lt;", 100) == "AT&T < 5 © &lt;"


def test_nothing_is_nothing() -> None:
    assert plain_text("", 10) == plain_text("\n\n", 10) == ""
