"""Texts that make Markdown renderers take for ever, fill the memory or run out of stack."""

from collections.abc import Callable, Iterator
from functools import partial

PIECES = """
[·![·*·**·_·~~·`·>·> ·<·<![CDATA[·<!--·<?·1. ·- ·- > 1. ·$·$$·&·&amp;·_a·*a ·**a ·*a_·a**b·a* ·*a **b ·`a ·](·[a](·[](
[a](b·[a](b "·[a](( ·[a][b·[a][b][·![a](b·[a ·a] ·[a] ·[^1]·[^1]: ·[a]: b·\\·\\*·\\(·\\(a ·\\[1 ·$a ·$$a ·\\|·~~a
<b>·<sub>a·<b>a</b>·<http://·<a@b·a@·a.·www.·http://·https://a.b ·a@b.c ·word ·x·.·${·{·}·__init__ ·**a** ·***a** 
`a` ·$x$ ·[a](b) ·![a](b) ·<br>·😀·!·#·# ·+ ·=·-·~·:-·^·%·|·|a·|-·"·'·(·)·/·:·@
"""  # each line's last piece ends with it
CONTROLS = ["\t", " ", "\r", "\0", "\x02", "\x03", "\x02klzzwxh:0001\x03", "\ud800", "\u2028"]
REPEATED = [piece for row in PIECES.strip("\n").split("\n") for piece in row.split("·")] + CONTROLS
LINES = """
·a·- a·1. a·1) a·- [ ] a·> a·# a·```·$$·[a]: b·[^a]: b·    x·\tx·a  ·a\\·`a`·|a|·---·***·- ·+·[a]:·\\[·<div>
"""
SHORT_LINES = [*LINES.strip("\n").split("·"), ">>a\n>b", "a\n=", "```\na\n```", "$$\na"]


def grown(piece: str, size: int) -> str:
    return (piece * (size // len(piece) + 1))[:size]


def growing_ticks(size: int) -> str:
    return "".join("`" * count + "a " for count in range(1, int((2 * size) ** 0.5)))[:size]


def deep_list(size: int) -> str:
    return "\n".join("  " * depth + "- a" for depth in range(int(size**0.5)))[:size]


def long_table(size: int) -> str:
    return "|a|b|\n|-|-|\n" + grown("|c|d|\n", size)


def wide_table(size: int) -> str:
    return f"{'|a' * (size // 6)}|\n{'|-' * (size // 6)}|\n{'|c' * (size // 6)}|\n"


def table_with_empty_rows(size: int) -> str:
    """Each short row asks for as many cells as the head has."""
    return "|a" * 90 + "|\n" + "|-" * 90 + "|\n" + grown("|\n", size)


def nested_emphasis(size: int) -> str:
    return "*a **b " * (size // 14) + "c** d* " * (size // 14)


def closed_brackets(size: int) -> str:
    return "[" * (size // 2) + "]" * (size // 2) + "(a)"


def many_definitions(size: int) -> str:
    return "".join(f"[{number}]: b\n\n[{number}]\n\n" for number in range(size // 20))


def fences_in_markdown(size: int) -> str:
    return "```markdown\n" + grown("```a\n", size)


def nested_fractions(size: int) -> str:
    return "$$" + "\\frac{" * (size // 10) + "x" + "}{2}" * (size // 10) + "$$"


def many_formulas(size: int) -> str:
    return grown("$x^2+1$ ", size)


def small_paragraphs_of(piece: str) -> Callable[[int], str]:
    """Each below every limit."""
    return lambda size: grown(grown(piece, 1_400) + "\n\n", size)


def bombs() -> Iterator[tuple[str, Callable[[int], str]]]:
    for piece in REPEATED:
        yield repr(piece), partial(grown, piece)
        yield f"paragraphs of {piece!r}", small_paragraphs_of(piece)
    for line in SHORT_LINES:
        yield f"lines of {line!r}", partial(grown, line + "\n")
    for build in (
        growing_ticks, deep_list, long_table, wide_table, table_with_empty_rows, nested_emphasis, closed_brackets,
        many_definitions, fences_in_markdown, nested_fractions, many_formulas,
    ):  # fmt: skip
        yield build.__name__, build
