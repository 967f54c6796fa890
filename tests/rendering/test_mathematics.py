"""Formulas become MathML; whatever cannot is shown as it was written."""

import pytest

from conversations.rendering import render
from conversations.rendering.mathematics import LONGEST, mathml


@pytest.mark.parametrize(
    "text",
    [
        "$x^2$",
        "\\(x^2\\)",
        "so $$x^2$$ it is",
        "so \\[x^2\\] it is",
        "$$\nx^2\n$$",
        "\\[\nx^2\n\\]",
        "- $$x^2$$",
        "> \\[\n> x^2\n> \\]",
        "| a |\n|---|\n| $x^2$ |",
    ],
)
def test_formulas_are_found_wherever_models_write_them(text: str) -> None:
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in render(text)


@pytest.mark.parametrize(
    "text", ["$5 and $6", "$HOME and $PATH", "`$x$`", "\\$x\\$", "US$5-US$6", "$ x $", "a$b$c", "$$"]
)
def test_money_and_variables_are_no_formulas(text: str) -> None:
    assert "<math" not in render(text)


UNCONVERTIBLE = ["\\left(", "\\begin{matrix}", "x^2^3", "\\unknown{x}", "{" * 100, "_" * 1_000, "\\sqrt" * 400]


@pytest.mark.parametrize("tex", [*UNCONVERTIBLE, "x" * (LONGEST + 1)])
def test_what_cannot_be_converted_is_shown_as_it_was_written(tex: str) -> None:
    assert mathml(tex, display=False) == f'<code class="math-source" dir="ltr">{tex}</code>'


def test_marks_inside_formulas_mean_themselves() -> None:
    assert "<em>" not in render("$a_1 * b_1$ and $a_2 * b_2$")
    assert "<strong>" not in render("\\(a ** b\\) and \\(c ** d\\)")


def test_text_inside_formulas_is_escaped() -> None:
    assert "<mtext>a&lt;b&gt;&amp;c</mtext>" in mathml("\\text{a<b>&c}", display=False)


def test_no_style_and_no_address_come_out_of_formulas() -> None:
    html = render("$\\style{color:red}{x} \\href{javascript:x}{y} \\color{red}{z}$")

    assert "style=" not in html
    assert "href=" not in html
    assert 'mathcolor="red"' in html
