"""TeX → MathML on the server: the browser shows it without a script."""

from __future__ import annotations

import html
from functools import lru_cache

from latex2mathml.converter import convert

LONGEST = 4_000  # characters; longer formulas are shown as their source
DEEPEST = 60  # braces inside each other


@lru_cache(maxsize=512)
def mathml(tex: str, *, display: bool) -> str:
    """MathML with the source beside it for copying; a formula that cannot be converted is shown as its source."""
    if len(tex) > LONGEST or depth(tex) > DEEPEST:
        return as_source(tex)
    try:
        converted = convert(tex, display="block" if display else "inline")
    except Exception:
        return as_source(tex)
    # The source as the title of the formula: readable on hover, and there for copying.
    return converted.replace("<math ", f'<math title="{html.escape(tex)}" ', 1)


def as_source(tex: str) -> str:
    return f'<code class="math-source">{html.escape(tex)}</code>'


def depth(tex: str) -> int:
    deepest = now = 0
    for char in tex:
        now += (char == "{") - (char == "}")
        deepest = max(deepest, now)
    return max(deepest, tex.count("\\left"))
