"""Random Markdown for property tests: snippets of the corpus, and lines that begin and end every kind of block."""

import json
from pathlib import Path

from hypothesis import strategies as st

DATA = Path(__file__).parents[1] / "data" / "markdown"
CORPUS: list[dict[str, str]] = json.loads((DATA / "corpus.json").read_text())
TEXTS = [snippet["text"] for snippet in CORPUS]

HEADS = [
    "word",
    "two words",
    "- item",
    "* star",
    "+ plus",
    "1. one",
    "2. two",
    "7) seven",
    "> quote",
    ">quote",
    "> - q item",
    "- > i quote",
    "# head",
    "## h2 ##",
    "---",
    "***",
    "===",
    "```",
    "```py",
    "~~~",
    "````",
    "-",
    "1.",
    "",
    "",
    "",
    "",
    "- - nested",
    "1. - mixed",
    "- [x] task",
    "- ```",
    ">",
    "> ```",
    "#",
    "10. ten",
    "$$",
    "\\[",
    "\\]",
    "[^1]: note",
    "[a]: /b",
    "x $y$",
    "**bold",
    "`code",
] + ["| a | b |", "|---|---|", "| 1 | 2 |", "a | b", "--- | ---", "😀 é", "\x02\x03"]
INDENTS = ["", "", "", " ", "  ", "   ", "    ", "      ", "\t", "> ", ">  "]

lines = st.tuples(st.sampled_from(INDENTS), st.sampled_from(HEADS)).map("".join)
texts = st.one_of(
    st.sampled_from(TEXTS),
    st.lists(st.sampled_from(TEXTS), min_size=2, max_size=3).map("\n".join),
    st.lists(lines, max_size=12).map("\n".join),
    st.lists(lines, max_size=8).map("\r\n".join),
)
cuts = st.lists(st.integers(0, 10**6), max_size=40)


def pieces(text: str, points: list[int]) -> list[str]:
    places = sorted({point % (len(text) + 1) for point in points} | {0, len(text)})
    return [text[a:b] for a, b in zip(places, places[1:], strict=False)]
