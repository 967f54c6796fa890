"""Nothing of an answer moves once it is there, however far its rendering is behind its text."""

from __future__ import annotations

import re

import pytest

from conversations.rendering import References, Segmenter, render_block, render_tail

from ..conftest import ORIGIN, LiveAnswer

ANSWER = """# A title

Words come **one by one**, with a [link](https://example.com/a) and `code` in them
and a line of its own; they go on for more than one line, so that the paragraph grows while it is read, **and on**.

1. One
2. Two, with *more*
   - inside
   and a second line

```python
def answer(question: str) -> str:
    return question
```

| Name | Value |
|---|---:|
| `a || b` | 1 |
| a long cell | 22 |

A formula $x^2 + y^2$ in the text, and one alone:

$$
\\sum_{k=1}^{n} k = \\frac{n(n+1)}{2}
$$

> A quote
> of two lines.

An end.
"""
STYLES = ("base/tokens", "base/base", "chat/prose", "chat/code")
# What moved since the last look, of texts in elements that were there then: down by the page's own measure, or
# sideways, but for tables, whose columns find their width while rows arrive.
LOOK = """() => {
    const parts = document.querySelector("[data-parts]");
    const top = parts.getBoundingClientRect().top;
    const walker = document.createTreeWalker(parts, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    const moved = [];
    const places = new Map();
    while (walker.nextNode()) {
        const { parentElement: element, data } = walker.currentNode;
        if (!data.trim() || element.closest(".rest, math")) continue;
        range.selectNodeContents(walker.currentNode);
        const { left, top: y } = range.getClientRects()[0] ?? {};
        if (y === undefined) continue;
        const before = window.places?.get(walker.currentNode);
        places.set(walker.currentNode, [left, y - top]);
        if (!before) continue;
        const sideways = Math.abs(before[0] - left) > 1 && !element.closest(".table");
        if (sideways || Math.abs(before[1] - (y - top)) > 1) moved.push(data.slice(0, 40));
    }
    window.places = places;
    return moved;
}"""


def dress(answer: LiveAnswer) -> None:
    for style in STYLES:
        answer.page.add_style_tag(url=f"{ORIGIN}/css/{style}.css")
    answer.page.evaluate("document.querySelector('template').content.firstElementChild.className = 'prose'")


@pytest.mark.parametrize("behind", [1, 8])
def test_nothing_of_an_answer_moves_once_it_is_there(answer: LiveAnswer, behind: int) -> None:
    dress(answer)
    segmenter, references = Segmenter(), References()
    moved: list[str] = []
    blocks = length = 0

    for number, word in enumerate(re.findall(r"\S+\s*", ANSWER), 1):
        done = [render_block(source, references) for source in segmenter.feed(word)]
        answer.text(length, word)
        length += len(word)
        if done:
            answer.hear("blocks.done", part="0.text", first=blocks, html=done, upto=segmenter.tail_start)
            blocks += len(done)
        if number % behind == 0:
            tail = render_tail(segmenter.tail, references).html
            answer.hear("tail.rendered", part="0.text", html=tail, upto=length)
        answer.show()
        moved += answer.page.evaluate(LOOK)

    assert moved == []
    assert "An end." in answer.shown


# Of the answer's text, once all that watches its size has been told.
HEIGHT = """() => new Promise((tell) => requestAnimationFrame(() => requestAnimationFrame(
    () => tell(document.querySelector("[data-part]").getBoundingClientRect().height)
)))"""
SHRINKING = f"""```python
x = "{"long line " * 40}"
```

| a | b |
|---|---|
| c | d |

$$
x
+ y
$$

one

two

three
"""


def test_what_is_above_does_not_bounce_while_text_gets_its_form(answer: LiveAnswer) -> None:
    dress(answer)
    heights = [0.0]

    for at in range(0, len(SHRINKING), 7):
        answer.text(at, SHRINKING[at : at + 7])
        answer.show()
        heights.append(answer.page.evaluate(HEIGHT))
        tail = render_tail(SHRINKING[: at + 7], References()).html
        answer.hear("tail.rendered", part="0.text", html=tail, upto=min(at + 7, len(SHRINKING)))
        answer.show()
        heights.append(answer.page.evaluate(HEIGHT))

    assert heights == sorted(heights)


def test_an_answer_that_has_ended_is_as_high_as_its_text(answer: LiveAnswer) -> None:
    dress(answer)
    answer.text(0, "\n".join("$$ a"))
    answer.show()
    high = answer.page.evaluate(HEIGHT)

    answer.finish({"0": "<p>a</p>"})

    assert answer.page.evaluate(HEIGHT) < high


def test_code_that_goes_on_is_not_broken_into_lines(answer: LiveAnswer) -> None:
    dress(answer)
    answer.rendered_text(0, "```\nx", "<pre><code>x\n</code></pre>")
    answer.text(5, " = 1")
    answer.show()

    assert answer.page.locator("pre .rest").evaluate("rest => getComputedStyle(rest).whiteSpace") == "pre"
