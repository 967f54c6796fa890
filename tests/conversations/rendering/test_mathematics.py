"""Formulas become MathML; whatever cannot is shown as it was written."""

import re

import pytest

from conversations.rendering import render
from conversations.rendering.mathematics import LONGEST, MOST_ELEMENTS, mathml


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


DEFINITIONS = [
    r"\newcommand{\a}{xxxxxxxxxx}\newcommand{\b}{\a\a\a\a\a\a}\b",
    r"\def\a{xxxxxxxxxx}\def\b{\a\a\a\a}\b",
    r"\newcommand\a[1]{#1#1}\a{\a{\a{x}}}",
    r"\DeclareMathOperator{\a}{a}\a",
    r"\newenvironment{a}{x}{y}\begin{a}\end{a}",
    r"\renewcommand{\a}{x}\a",
    r"\let\a\b\a",
    r"\gdef\a{x}\a",
]


@pytest.mark.parametrize("tex", DEFINITIONS)
def test_a_formula_that_defines_a_macro_is_shown_as_it_was_written(tex: str) -> None:
    assert mathml(tex, display=True) == f'<code class="math-source" dir="ltr">{tex}</code>'


def nested(command: str, times: int) -> str:
    tex = "x"
    for _ in range(times):
        tex = command.replace("x", tex)
    return tex


@pytest.mark.parametrize(
    "tex",
    [
        nested(r"\sideset{_1}{^2}{x}", 7),
        nested(r"\sideset{_1}{^2}{x}", 12),
        nested(r"\sideset{_1}{^2}{{x}}", 40),
        nested(r"\frac{x}{2}", 59),
        nested(r"{x\over 2}", 59),
        nested(r"\mathchoice{x}{x}{x}{x}", 4),
        r"\LaTeX" * 400,
        r"\idotsint" * 250,
        r"\displaystyle" * 190,
        r"\sqrt" * 400 + "x",
        r"\begin{align}" + r"\\" * 1_200 + r"\end{align}",
        r"\begin{array}{c}" + "&" * 1_200 + r"\end{array}",
        r"\xrightarrow{a}" * 150,
        "x" + "'" * 2_000,
    ],
)
def test_no_formula_becomes_many_elements_or_nests_deep(tex: str) -> None:
    html = mathml(tex, display=True)

    assert html.count("</") <= MOST_ELEMENTS
    assert len(html) < 150_000
    assert len(html) < 120 * len(tex)


@pytest.mark.parametrize("unit", ["em", "ex", "px", "pt", "cm", "in", "mm", "pc", "mu", "bp", "", "vw", "%"])
@pytest.mark.parametrize(
    "command",
    [
        r"\hspace{{{0}}}x", r"\hspace{{-{0}}}x", r"\kern-{0} x", r"\rule{{{0}}}{{{0}}}", r"\raise {0} {{x}}",
        r"\moveleft {0} {{x}}", r"x \above{{{0}}} y", r"\genfrac(){{{0}}}{{0}}{{a}}{{b}}",
        r"\skew{{99999}}{{\hat{{x}}}}",
    ],
)  # fmt: skip
def test_no_formula_asks_for_more_room_than_a_formula_needs(command: str, unit: str) -> None:
    html = render(f"${command.format('99999' + unit)}$")

    for length in re.findall(r'(?:width|height|depth|lspace|rspace|voffset|linethickness)="([^"]*)"', html):
        number = re.match(r"[+-]?([\d.]+)(em|ex|px|pt)?$", length)
        assert number, length
        assert float(number.group(1)) <= 20 * {"em": 1, "ex": 2, "px": 16, "pt": 12, None: 1}[number.group(2)]


def test_lengths_of_usual_size_stay_as_they_are() -> None:
    assert '<mspace width="1.5em">' in render("$a\\hspace{1.5em}b$")
    assert '<mspace width="-3pt">' in render("$a\\kern-3pt b$")
