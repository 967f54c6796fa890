"""Titles and excerpts: what one would read aloud."""

from conversations.rendering import plain_text


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
