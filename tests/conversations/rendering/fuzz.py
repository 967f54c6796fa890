"""Random Markdown for property tests: snippets of the corpus, and lines that begin and end every kind of block."""

import json
from itertools import pairwise

from hypothesis import strategies as st

from tests.harness.processes import ROOT

DATA = ROOT / "tests" / "data" / "markdown"
TEXTS = [snippet["text"] for name in ("corpus", "own") for snippet in json.loads((DATA / f"{name}.json").read_text())]

LINES = """
word·two words·- item·* star·+ plus·1. one·2. two·7) seven·> quote·>quote·> - q item·- > i quote·# head·## h2 ##·---·***
===·```·```py·~~~·````·-·1.·- - nested·1. - mixed·- [x] task·- ```·>·> ```·#·10. ten·$$·\\[·\\]·[^1]: note·[a]: /b
[a]: /c "t·[a]·![a]·x $y$·**bold·`code·| a | b |·|---|---|·| 1 | 2 |·a | b·--- | ---·😀 é·\x02\x03·····&amp;·<b>·<br>
```md·~~~markdown
https://a.example·[a](b·[a](<b>)·[![a](b)](c)·~~x~~·x  ·x\\·\ud800·\u2028·\x0c·\x85·********·_a_·\\(x\\)
"""
INDENTS = ["", "", "", " ", "  ", "   ", "    ", "      ", "\t", "> ", ">  "]
ENDS = ["\n", "\n", "\n", "\n\n", "\r\n", "\r", " \n"]

pieces_of_lines = st.sampled_from([line for row in LINES.strip().split("\n") for line in row.split("·")])
lines = st.tuples(st.sampled_from(INDENTS), pieces_of_lines, st.sampled_from(ENDS)).map("".join)
texts = st.one_of(
    st.sampled_from(TEXTS),
    st.lists(st.sampled_from(TEXTS), min_size=2, max_size=3).map("\n".join),
    st.lists(lines, max_size=12).map("".join),
    st.text(st.sampled_from("ab*_`~[](){}<>!#$|\\&;:-+=.1 \t\n\r\x02\x03"), max_size=60),
)
cuts = st.lists(st.integers(0, 10**6), max_size=40)


def pieces(text: str, points: list[int]) -> list[str]:
    places = sorted({point % (len(text) + 1) for point in points} | {0, len(text)})
    return [text[begin:end] for begin, end in pairwise(places)]
