"""While an answer grows, only what changed changes: what a reader has selected, scrolled or focused stays as it is."""

from __future__ import annotations

import pytest

from ..conftest import LiveAnswer

CODE = (
    '<div class="code"><div class="code__bar"><button type="button">Copy</button></div>'
    '<pre tabindex="0"><code>{}</code></pre></div>'
)
TABLE = '<div class="table" tabindex="0"><table><tbody>{}</tbody></table></div>'
ROW = "<tr><td>a long cell without blanks</td><td>b</td></tr>"
SCROLLERS = "pre, .table { overflow: auto; width: 100px; } pre { white-space: pre; } td { white-space: nowrap; }"


class Page:
    """What is rendered of an answer whose text is not looked at."""

    def __init__(self, answer: LiveAnswer):
        self.answer = answer
        self.evaluate = answer.page.evaluate
        self.length = 0

    def tail(self, html: str, text: str = "x") -> None:
        """More text, and the rendering of all of it."""
        self.answer.rendered_text(self.length, text, html)
        self.length += len(text)
        self.answer.show()

    def text(self, text: str) -> None:
        self.answer.text(self.length, text)
        self.length += len(text)
        self.answer.show()

    def finish_blocks(self, first: int, *html: str) -> None:
        self.answer.hear("blocks.done", part="0.text", first=first, html=list(html), upto=self.length)
        self.answer.show()

    def select(self, text: str) -> None:
        """As with the mouse, over whatever elements it stands in."""
        self.evaluate(
            """(text) => {
                const parts = document.querySelector("[data-parts]");
                const nodes = [];
                const walker = document.createTreeWalker(parts, NodeFilter.SHOW_TEXT);
                while (walker.nextNode()) nodes.push(walker.currentNode);
                const begin = parts.textContent.indexOf(text);
                const point = (at) => {
                    for (const node of nodes) {
                        if (at <= node.length) return [node, at];
                        at -= node.length;
                    }
                };
                getSelection().setBaseAndExtent(...point(begin), ...point(begin + text.length));
            }""",
            text,
        )
        assert self.selected == text

    @property
    def selected(self) -> str:
        return str(self.evaluate("getSelection().toString()"))


@pytest.fixture
def page(answer: LiveAnswer) -> Page:
    answer.page.add_style_tag(content=SCROLLERS)
    return Page(answer)


def test_a_selection_in_the_open_block_survives_its_renderings(page: Page) -> None:
    page.tail("<p>Words come one</p>")
    page.select("come")

    page.tail("<p>Words come one <strong>by</strong></p>")
    page.tail("<p>Words come one <strong>by one</strong>, and more</p><ul><li>a</li></ul>")

    assert page.selected == "come"


def test_a_selection_in_text_that_is_not_rendered_yet_survives(page: Page) -> None:
    page.tail("<p>Words </p>")
    page.text("come one by one")
    page.select("one by")

    page.tail("<p>Words come one by one and <em>on</em></p>", " and *on*")

    assert page.selected == "one by"


def test_a_selection_survives_the_end_of_its_block(page: Page) -> None:
    page.tail(f"<p>Words come</p>{CODE.format('let it = be')}")
    page.select("it = be")

    page.finish_blocks(0, "<p>Words come</p>", CODE.format("<i>let</i> it <b>=</b> be"), "<p>And on.</p>")
    page.tail("<p>More</p>")

    assert page.selected == "it = be"


def test_a_selection_survives_the_end_of_the_answer(page: Page) -> None:
    page.tail("<p>Words come one by one</p>")
    page.select("one by")

    page.answer.finish({"0": "<p>Words <a>come</a> one by one.</p>"})

    assert page.selected == "one by"


def test_what_is_not_selected_is_not_touched(page: Page) -> None:
    page.tail("<p>Words come</p>")
    page.evaluate("getSelection().removeAllRanges()")

    page.tail("<p>Words come on</p>")

    assert page.selected == ""


@pytest.mark.parametrize(
    ("selector", "wide", "wider"),
    [
        ("pre", CODE.format("a long line of code<br>"), CODE.format("a long line of code that grows<br>b")),
        (".table", TABLE.format(ROW), TABLE.format(ROW * 2)),
    ],
)
def test_what_was_scrolled_stays_so(page: Page, selector: str, wide: str, wider: str) -> None:
    page.tail("<p>So:</p>")
    page.finish_blocks(0, "<p>So:</p>")
    page.tail(wide)
    page.evaluate("selector => { document.querySelector(selector).scrollLeft = 40 }", selector)

    page.tail(wider)
    page.text("and more")
    page.finish_blocks(1, wider, "<p>n</p>")
    page.tail("<p>next</p>")

    assert page.evaluate("selector => document.querySelector(selector).scrollLeft", selector) == 40


def test_open_code_keeps_its_scroll_and_focus_until_it_is_finished_and_after(page: Page) -> None:
    page.tail(CODE.format("a long line of code"))
    page.evaluate("window.pre = document.querySelector('pre'); pre.focus(); pre.scrollLeft = 40")

    page.tail(CODE.format("a long line of code\nand another"))
    page.finish_blocks(0, CODE.format("<i>a</i> long line of code\nand another\n"))
    page.tail("<p>next</p>")

    assert page.evaluate("pre.isConnected && document.activeElement === pre && pre.scrollLeft") == 40


def test_only_what_changed_is_touched(page: Page) -> None:
    page.tail("<ul><li>one</li><li>two <b>b</b></li></ul>")
    page.evaluate(
        """() => {
            window.touched = [];
            const see = ({ type, target }) => touched.push(`${type} ${target.nodeName}`);
            new MutationObserver((records) => records.forEach(see)).observe(
                document.querySelector("[data-tail]"),
                { subtree: true, childList: true, attributes: true, characterData: true },
            );
        }"""
    )

    page.tail("<ul><li>one</li><li>two <b>by</b></li></ul>")

    assert page.evaluate("touched") == ["characterData #text"]


def test_a_copy_button_goes_on_saying_that_it_was_pressed(page: Page) -> None:
    page.tail(CODE.format("a"))
    page.evaluate("document.querySelector('button').textContent = 'Copied'")

    page.tail(CODE.format("a\nb"))
    page.finish_blocks(0, CODE.format("a\nb\n"))

    assert page.evaluate("document.querySelector('button').textContent") == "Copied"


def test_what_takes_another_shape_is_replaced(page: Page) -> None:
    page.tail("<p>| a | b |</p><p>c</p>")

    page.tail(f"{TABLE.format(ROW)}<p>c</p><h2>d</h2>")

    html = page.evaluate("document.querySelector('[data-tail]').innerHTML")
    assert html == f"{TABLE.format(ROW)}<p>c</p><h2>d</h2>"


def test_any_sequence_of_renderings_ends_as_the_last_one_alone(page: Page) -> None:
    shapes = [
        "<p>a</p>", "", "<ul><li>a</li></ul>", '<p dir="auto">a <em>b</em> c</p>', CODE.format("x"), TABLE.format(ROW),
        "<p>a</p><ul><li>b<ul><li>c</li></ul></li></ul>", "<h1>a</h1>text", '<p class="k">a</p>', "<p>ab<br>c</p>",
        "<p><math><mi>x</mi></math></p>", "<p>😀a</p>", "<p>😁a</p>",
    ]  # fmt: skip
    for first in shapes:
        for second in shapes:
            page.tail(first)
            page.tail(second)
            assert page.evaluate("document.querySelector('[data-tail]').innerHTML") == second
