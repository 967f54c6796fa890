"""What a reader does in an answer while it is written is left alone."""

from __future__ import annotations

from playwright.sync_api import expect

from streaming.demo.tokens import tokens_of
from tests.harness.site import Site

from ..conftest import Open

OPEN = """Words come one by one.

```python
def answer(question: str) -> str:
    return "a line that is so long that it has to be scrolled to the right, where nobody sees it" + question * 100_000
"""
REST = """    # and more
```

- One
- Two

An end.
"""
SELECT = """(code, words) => {
    const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const at = walker.currentNode.data.indexOf(words);
        if (at >= 0) getSelection().setBaseAndExtent(walker.currentNode, at, walker.currentNode, at + words.length);
    }
}"""


def test_what_is_selected_and_scrolled_in_an_answer_that_grows_stays(person: Open, site: Site) -> None:
    alice = person()
    alice.visit()
    code = alice.last_answer.locator("pre")
    with site.held(len(tokens_of(OPEN))):
        alice.send_message(f"[echo] {OPEN}{REST}")
        expect(code).to_contain_text("100_000")
        code.evaluate(SELECT, "so long that")
        code.evaluate("code => { code.scrollLeft = 30 }")

    alice.wait_for_text("An end.")
    alice.wait_until_idle()

    assert alice.page.evaluate("getSelection().toString()") == "so long that"
    assert code.evaluate("code => code.scrollLeft") == 30
