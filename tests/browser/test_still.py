"""Nothing jumps while an answer is written, and what a reader does in it is left alone."""

from __future__ import annotations

from tests.browser.conftest import Open
from tests.browser.person import Person

ANSWER = """# A title

Words come **one by one**, with a [link](https://example.com/a) and `code` in them
and a line of its own; they go on for more than one line, so that the paragraph grows while it is read, **and on**.

1. One
2. Two, with *more*
   - inside
   and a second line

```python
def answer(question: str) -> str:
    return "a line that is so long that it has to be scrolled to the right, where nobody sees it " + question
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
WATCH_SHIFTS = """() => {
    window.shifts = [];
    const see = ({ node, previousRect: before, currentRect: now }) => {
        const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
        const isOfTable = element?.closest(".table"); // columns find their width while rows arrive
        const moved = Math.abs(before.y - now.y) > 1 || (Math.abs(before.x - now.x) > 1 && !isOfTable);
        const block = element?.closest("[data-block], [data-tail]");
        if (moved && block?.contains(element.parentElement)) shifts.push(node.textContent.slice(0, 40));
    };
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => entry.sources.forEach(see))).observe({
        type: "layout-shift",
    });
}"""
SELECT = """(words) => {
    const answer = document.querySelector("article:last-child [data-parts]");
    const walker = document.createTreeWalker(answer, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const at = walker.currentNode.data.indexOf(words);
        if (at >= 0) getSelection().setBaseAndExtent(walker.currentNode, at, walker.currentNode, at + words.length);
    }
}"""


def ask_for(person: Person, text: str, rate: int) -> None:
    person.send_message(f"[echo] {text} [[demo rate={rate}]]")


def test_nothing_of_an_answer_moves_once_it_is_there(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.page.evaluate(WATCH_SHIFTS)

    ask_for(alice, ANSWER, rate=80)
    alice.wait_for_text("An end.")
    alice.wait_until_idle()

    assert alice.page.evaluate("shifts") == []


def test_what_is_selected_and_scrolled_in_an_answer_that_grows_stays(person: Open) -> None:
    alice = person()
    alice.visit()
    ask_for(alice, ANSWER, rate=60)
    alice.wait_for_text("one by one, with a link")
    alice.page.evaluate(SELECT, "one by one")
    alice.wait_for_text("scrolled to the right")
    alice.page.evaluate("document.querySelector('article pre').scrollLeft = 30")

    alice.wait_for_text("An end.")
    alice.wait_until_idle()

    assert alice.page.evaluate("getSelection().toString()") == "one by one"
    assert alice.page.evaluate("document.querySelector('article pre').scrollLeft") == 30
    assert alice.last_answer.locator("pre code span").count() > 5
