"""Converts TeX to MathML on the server: browsers show it without a script."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as etree
from collections.abc import Iterable
from functools import lru_cache

from latex2mathml.converter import Converter
from latex2mathml.walker import Node, walk

LONGEST = 2_500  # characters, some 15 ms; longer formulas are shown as their source
DEEPEST = 60  # nested braces; elements may be nested twice as deep
MOST_NODES = 2_500  # of the parsed formula; few commands make more than one per character
MOST_ELEMENTS = 2_500
ELEMENTS_PER_CHARACTER = 4  # most need fewer than two; many small formulas must not add up to many megabytes
WIDEST = 20.0  # em; larger lengths in a formula are reduced to it

UNKNOWN_COMMAND = re.compile(r"\\[A-Za-z]")  # the library leaves unknown commands unchanged
LENGTH = re.compile(r"([+-]?)(\d*\.?\d+)(em|ex|px|pt|pc|in|cm|mm)?$")
LENGTHS = {"width", "height", "depth", "lspace", "rspace", "voffset", "linethickness", "minsize", "maxsize"}
EM = {"em": 1, "ex": 0.5, "px": 1 / 16, "pt": 1 / 12, "pc": 1, "in": 6, "cm": 2.4, "mm": 0.24, None: 1}
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}$|[a-zA-Z]{1,30}$")


class NotShown(ValueError):
    """This formula is shown as its source."""


@lru_cache(maxsize=256)
def mathml(tex: str, *, display: bool) -> str:
    """Returns MathML with its source as title, for reading and copying; only the source if it cannot be converted."""
    if len(tex) > LONGEST or depth(tex) > DEEPEST:
        return as_source(tex)
    try:
        return convert(tex, display="block" if display else "inline")
    except Exception:  # the library may fail in any way on a model's text, with RecursionError too
        return as_source(tex)


class NoMacros(dict[str, tuple[list[str], int]]):
    """Refuses formulas that define macros: a few definitions can expand to millions of elements."""

    def __setitem__(self, name: str, macro: object) -> None:
        raise NotShown("it defines a macro")


def convert(tex: str, display: str) -> str:
    """Raises NotShown, and what the library raises."""
    bound_nodes(walk(tex, display, macros=NoMacros()))
    converter = Converter(display=display)
    converter.macros = NoMacros()
    formula = converter.convert_to_element(tex)
    bound_elements(formula, min(MOST_ELEMENTS, 20 + ELEMENTS_PER_CHARACTER * len(tex)))
    formula.set("title", tex)
    for element in formula.iter():
        # The library writes symbols as entities but leaves the text of \text{…} unchanged, so its own serialiser
        # lets tags through. With entities replaced by characters, ElementTree escapes everything.
        text = html.unescape(element.text or "")
        if UNKNOWN_COMMAND.match(text):
            raise NotShown(f"{text} is not known")
        element.text = text
        bound_attributes(element)
    return etree.tostring(formula, encoding="unicode", method="html")


def bound_nodes(nodes: Iterable[Node]) -> None:
    """Checks the count before elements are made. A node that occurs twice counts twice, with its descendants."""
    count = 0
    waiting = list(nodes)
    while waiting:
        count += 1
        if count > MOST_NODES:
            raise NotShown("it has too many nodes")
        waiting += waiting.pop().children or ()


def bound_elements(formula: etree.Element, most: int) -> None:
    count = 0
    waiting = [(formula, 0)]
    while waiting:
        element, level = waiting.pop()
        count += 1
        if count > most or level > 2 * DEEPEST:
            raise NotShown("it has too many elements")
        waiting += [(child, level + 1) for child in element]


def bound_attributes(element: etree.Element) -> None:
    for name in LENGTHS & element.attrib.keys():
        if (length := bounded(element.attrib[name])) is None:
            del element.attrib[name]
        else:
            element.attrib[name] = length
    if not COLOUR.match(element.attrib.get("mathcolor", "black")):
        del element.attrib["mathcolor"]


def bounded(length: str) -> str | None:
    """Returns the length, limited to WIDEST; None if it is invalid."""
    match = LENGTH.match(length)
    if not match:
        return None
    sign, number, unit = match.groups()
    return length if float(number) * EM[unit] <= WIDEST else f"{sign}{WIDEST:g}em"


def as_source(tex: str) -> str:
    return f'<code class="math-source" dir="ltr">{html.escape(tex)}</code>'


def depth(tex: str) -> int:
    deepest = now = 0
    for char in tex:
        now += (char == "{") - (char == "}")
        deepest = max(deepest, now)
    return max(deepest, tex.count("\\left"))
