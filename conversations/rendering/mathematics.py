"""TeX → MathML on the server: the browser shows it without a script."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as etree
from functools import lru_cache

from latex2mathml.converter import convert_to_element

LONGEST = 2_500  # characters, some 15 ms; longer formulas are shown as their source
DEEPEST = 60  # braces inside each other

UNKNOWN_COMMAND = re.compile(r"\\[A-Za-z]")  # where the library leaves a command as it was


@lru_cache(maxsize=512)
def mathml(tex: str, *, display: bool) -> str:
    """MathML with its source as title, for reading and copying; what cannot be converted is shown as its source."""
    if len(tex) > LONGEST or depth(tex) > DEEPEST:
        return as_source(tex)
    try:
        return converted(tex, display="block" if display else "inline")
    except Exception:  # whatever the library stumbles over in what a model wrote, RecursionError too
        return as_source(tex)


def converted(tex: str, display: str) -> str:
    formula = convert_to_element(tex, display=display)
    formula.set("title", tex)
    for element in formula.iter():
        # The library writes symbols as entities but leaves the text of \text{…} as it was. Its own serialiser
        # therefore lets tags through; with characters for entities, escaping is up to ElementTree.
        text = html.unescape(element.text or "")
        if UNKNOWN_COMMAND.match(text):
            raise ValueError(f"{text} is not known")
        element.text = text
    return etree.tostring(formula, encoding="unicode", method="html")


def as_source(tex: str) -> str:
    return f'<code class="math-source" dir="ltr">{html.escape(tex)}</code>'


def depth(tex: str) -> int:
    deepest = now = 0
    for char in tex:
        now += (char == "{") - (char == "}")
        deepest = max(deepest, now)
    return max(deepest, tex.count("\\left"))
