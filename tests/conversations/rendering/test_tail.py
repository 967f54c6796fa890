"""The unfinished end of an answer does not flicker: marks are not shown while one cannot know what they mean."""

import re

import pytest

from conversations.rendering import References, render, render_tail

from .fuzz import TEXTS
from .trees import parse


def seen(html: str) -> str:
    return re.sub(r"\s+", " ", parse(re.sub(r'<div class="code__bar">.*?</div>', "", html)).text()).strip()


def tail(text: str) -> str:
    return render_tail(text, References()).html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("An **import", "An import"),
        ("An **import**", "An import"),
        ("An **", "An"),
        ("An *", "An"),
        ("A `co", "A co"),
        ("A ``co`", "A co"),
        ("A ~~wor", "A wor"),
        ("A **b *c", "A b c"),
        ("A **b *c*", "A b c"),
        ("A [link", "A"),
        ("A [link](https://a.exa", "A link"),
        ('A [link](https://a.example "Tit', "A link"),
        ("An ![image](https://a.exa", "An"),
        ("A formula $x^2", "A formula"),
        ("A formula \\(x^2", "A formula"),
        ("**Sum: \\(x^2", "Sum:"),
        ("It is **\\(x", "It is"),
        ("It costs $5 and", "It costs $5 and"),
        ("See <https://a.exa", "See"),
        ("See https://", "See"),
        ("R&amp", "R"),
        ("Press <kbd>Ctrl", "Press Ctrl"),
        ("Text\n-", "Text"),
        ("Text\n==", "Text"),
        ("- [", ""),
        ("- [ ] a", "a"),
        ("1", ""),
        ("#", ""),
        ("``", ""),
        ("```py", ""),
        ("| a | b |", ""),
        ("| a | b |\n|--", ""),
        ("| a | b |\n|---|---|\n| **c", "a b c"),
        ("$$\nx", ""),
        ("[it]: https://a", ""),
        ("2 * 3 and snake_case", "2 * 3 and snake_case"),
    ],
)
def test_an_unfinished_end_is_shown_without_its_marks(text: str, shown: str) -> None:
    assert seen(tail(text)) == shown


def test_what_is_open_is_shown_as_what_it_will_be() -> None:
    assert "<strong>b</strong>" in tail("a **b")
    assert "<em>b <strong>c</strong></em>" in tail("a *b **c")
    assert '<code dir="ltr">b</code>' in tail("a `b")
    assert '<a href="#"' in tail("a [b](https://exam")


def test_open_code_has_its_bar_and_no_colours() -> None:
    html = tail("```python\nx = 1\ny")

    assert '<span class="code__language">python</span><button' in html
    assert '<code class="language-python">x = 1\ny\n</code>' in html


def test_the_line_that_may_close_the_code_waits() -> None:
    assert seen(tail("```\nx\n``")) == "x"


@pytest.mark.parametrize("end", ["", "\nla", "\n```\nmore", "\n```\nmore\n```\n"])
def test_fenced_code_in_markdown_that_still_arrives_stays_inside(end: str) -> None:
    html = tail("```markdown\n# a\n```bash\nls" + end)

    assert html.count("<pre") == 1
    assert "```bash\nls" in html


def test_a_line_end_is_a_line_break_while_text_arrives_too() -> None:
    assert tail("one\ntwo\nth") == '<p dir="auto">one<br>\ntwo<br>\nth</p>'


def test_the_kind_of_the_open_block_is_told() -> None:
    assert render_tail("```\nx", References()).kind == "fence"
    assert render_tail("a", References()).kind == "paragraph"
    assert render_tail("- a", References()).kind == "list"
    assert render_tail("", References()).kind is None


def test_what_one_sees_hardly_ever_turns_into_something_else() -> None:
    """Every twentieth beginning of every snippet: what is shown stays, and more comes after it."""
    snippets = [text for text in TEXTS if "]:" not in text]
    beginnings = [(text, end) for text in snippets for end in range(1, len(text), 20)]

    changed = [(text, end) for text, end in beginnings if not seen(render(text)).startswith(seen(tail(text[:end])))]

    assert len(changed) < len(beginnings) * 0.015
