"""The markup that the stylesheets and scripts rely on."""

import pytest

from conversations.rendering import render


def test_code_has_a_bar_with_its_language_and_a_copy_button() -> None:
    html = render("```Python\nx = 1\n```\n")

    assert html.startswith(
        '<div class="code" dir="ltr"><div class="code__bar"><span class="code__language">python</span>'
        '<button type="button" class="code__copy" data-copy-code="">Copy</button></div>'
    )
    assert '<code class="language-python"><span class="n">x</span>' in html
    assert html.endswith("</code></pre></div>")


def test_code_without_a_language_is_text() -> None:
    assert '<span class="code__language">text</span>' in render("```\nx\n```\n")
    assert '<code class="language-text">x' in render("    x\n")


def test_code_in_a_language_that_nobody_knows_is_not_coloured() -> None:
    assert '<code class="language-klingon">a &lt; b\n</code>' in render("```klingon\na < b\n```\n")


def test_long_code_is_not_coloured() -> None:
    html = render("```python\n" + "x = 1\n" * 4_000 + "```\n")

    assert "code__bar" in html
    assert '<span class="n">' not in html


def test_code_longer_than_any_other_block_stays_code() -> None:
    html = render("```\n" + "some line\n" * 10_000 + "```\n")

    assert html.count("some line") == 10_000
    assert "code__bar" in html


def test_a_table_stands_in_a_region_that_scrolls() -> None:
    html = render("| a | b |\n|:-:|---|\n| 1 | 2 |\n")

    assert html.startswith('<div aria-label="Table: a, b" class="table" role="region" tabindex="0">\n<table>')
    assert '<th align="center" dir="auto">a</th>' in html
    assert "style" not in html


def test_a_table_is_named_by_its_head() -> None:
    assert 'aria-label="Table: Name, x &amp; y"' in render("| **Name** | `x & y` |\n|---|---|\n")
    assert 'aria-label="Table"' in render("| | |\n|---|---|\n| a | b |\n")


def test_text_finds_its_own_direction() -> None:
    html = render("# a\n\nb\n\n- c\n\n> d\n\n| e |\n|---|\n| f |\n")

    for tag in ("h1", "p", "li", "blockquote", 'th dir="auto"', 'td dir="auto"'):
        assert f"<{tag.split()[0]} " in html
    assert html.count('dir="auto"') == 7


def test_code_and_mathematics_go_from_left_to_right() -> None:
    assert '<code dir="ltr">x</code>' in render("`x`")
    assert '<span class="math" dir="ltr"><math display="inline" title="x">' in render("$x$")
    assert '<div class="math" dir="ltr"><math display="block" title="x">' in render("$$\nx\n$$")


def test_a_formula_that_cannot_be_converted_is_shown_as_its_source() -> None:
    assert '<code class="math-source" dir="ltr">\\left( x</code>' in render("$$\n\\left( x\n$$")
    assert '<code class="math-source" dir="ltr">' in render("$$" + "x+" * 2_000 + "$$")


def test_the_source_of_a_formula_is_its_title() -> None:
    assert 'title="a &lt; \\frac{b}{2}"' in render("$a < \\frac{b}{2}$")


def test_links_open_elsewhere_and_tell_nothing() -> None:
    assert render("[a](https://a.example)") == (
        '<p dir="auto"><a href="https://a.example" target="_blank" rel="noopener noreferrer nofollow">a</a></p>'
    )


def test_a_bare_address_becomes_a_link_as_it_stands() -> None:
    address = "https://github.com/django/django/pull/1234?a=b&amp;c=d"

    assert f'<a href="{address}"' in render(address.replace("&amp;", "&"))
    assert f">{address}</a>." in render(address.replace("&amp;", "&") + ".")


@pytest.mark.parametrize(
    "after", ["。然后", "，再", "、", "；", "！", "）", "」", "】", "؟", "…", "—and", "”", "\u200b", "．", "～"]
)
def test_a_bare_address_ends_before_punctuation_of_any_language(after: str) -> None:
    assert f">https://example.com/a</a>{after}" in render(f"See https://example.com/a{after}")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("(https://a.example/x_(y)).", "https://a.example/x_(y)"),
        ("https://a.example/x_(y_(z))", "https://a.example/x_(y_(z))"),
        ("[https://a.example/x],", "https://a.example/x"),
        ("https://a.example/x[0]/{y}", "https://a.example/x[0]/{y}"),
        ("**https://a.example/x**", "https://a.example/x"),
        ("https://a.example/x?!.,:;'", "https://a.example/x"),
        ("见（https://a.example/x）", "https://a.example/x"),
        ("https://ja.example/日本語", "https://ja.example/日本語"),
    ],
)
def test_brackets_of_an_address_stay_and_others_do_not(text: str, address: str) -> None:
    assert f'" rel="noopener noreferrer nofollow">{address}</a>' in render(text)


def test_one_line_end_in_a_paragraph_is_a_line_break() -> None:
    assert "a<br>\nb</p>" in render("a\nb")
    assert '<li dir="auto">a<br>\nb</li>' in render("- a\n  b\n")
    assert '<p dir="auto">a<br>\nb</p>\n</blockquote>' in render("> a\n> b")
    assert "<strong>a<br>\nb</strong><br>" in render("**a\nb**\nc")


@pytest.mark.parametrize(
    "text",
    [
        "a\n\nb",
        "- a\n- b",
        "| a |\n|---|\n| b |",
        "```\na\nb\n```",
        "`a\nb`",
        "\\(a\nb\\)",
        "$$\na\nb\n$$",
        "# a\n- b",
        "a\n- b",
    ],
)
def test_other_line_ends_are_no_line_breaks(text: str) -> None:
    assert "<br>" not in render(text)


def test_a_line_end_beside_what_stands_alone_is_no_line_break() -> None:
    assert "<br>" not in render("so $$x^2$$\nit is")
    assert "<br>" not in render("- # a\n  b\n")
    assert render("a  \nb\\\nc<br>\nd").count("<br>") == 3


def test_a_cell_with_pipes_in_code_keeps_its_row() -> None:
    html = render("| a | b |\n|---|---|\n| `x || y` | or |\n| 1 | 2 | 3 |\n")

    assert '<code dir="ltr">x || y</code></td>\n<td dir="auto">or</td>' in html
    assert '<td dir="auto">2</td>\n</tr>' in html


def test_markdown_that_is_shown_holds_fenced_code() -> None:
    html = render("```markdown\n# a\n```bash\nls\n```\nb\n```\n*c*\n")

    assert html.count("<pre") == 1
    assert html.endswith('<p dir="auto"><em>c</em></p>')


@pytest.mark.parametrize("item", ["- ", "1. ", "  * ", "- 2) "])
def test_fenced_code_in_a_list_of_markdown_that_is_shown_stays_inside(item: str) -> None:
    html = render(f"```markdown\n{item}```\n  ls\n  ```\nb\n```\n*c*\n")

    assert html.count("<pre") == 1
    assert html.endswith('<p dir="auto"><em>c</em></p>')


def test_a_mail_address_needs_no_blanks_around_it() -> None:
    assert '请写信给<a href="mailto:a@b.example"' in (html := render("请写信给a@b.example谢谢"))
    assert ">a@b.example</a>谢谢" in html


def test_odd_things_are_no_links() -> None:
    for text in ("ftp://a.example", "file:///etc", "@someone", "#12", "node.js", "x@y", "user/repo#1", "a://b"):
        assert "<a" not in render(text), text


def test_an_image_is_a_link_to_it() -> None:
    html = render("![A cat](https://a.example/cat.png)")

    assert '<a class="image" href="https://a.example/cat.png"' in html
    assert "<img" not in html


def test_an_image_in_a_link_is_its_text() -> None:
    assert '<a href="https://a.example"' in (html := render("[![badge](https://b.example/b.svg)](https://a.example)"))
    assert '<span class="image">badge</span></a>' in html


def test_tasks_have_boxes_that_cannot_be_changed() -> None:
    html = render("- [ ] a\n- [x] b\n")

    assert '<li class="task" dir="auto"><input aria-label="To do" disabled="" type="checkbox"> a</li>' in html
    assert '<input aria-label="Done" checked="" disabled="" type="checkbox"> b' in html


def test_footnotes_stand_where_they_are_defined() -> None:
    html = render("a[^1]\n\n[^1]: b\n")

    assert '<sup class="footnote-ref">1</sup>' in html
    assert '<div class="footnote-def" dir="auto">\n<p dir="auto"><sup>1</sup> b</p>' in html
