"""The last door: only these elements and attributes leave the renderer, whatever went wrong before.

Raw HTML of models is shown as text already, so this is the second of two safeguards, not the first.
"""

from __future__ import annotations

import nh3

MATHML = {
    "math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup",
    "munder", "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "menclose",
    "mmultiscripts", "mprescripts", "none",
}  # fmt: skip
TAGS = {
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "br", "ul", "ol", "li", "blockquote", "div", "span", "pre", "code",
    "table", "thead", "tbody", "tr", "th", "td", "a", "em", "strong", "del", "sub", "sup", "kbd", "mark", "u", "ins",
    "small", "b", "i", "button", "input",
} | MATHML  # fmt: skip
MATHML_ATTRIBUTES = {
    "display", "title", "mathvariant", "stretchy", "fence", "separator", "lspace", "rspace", "minsize", "maxsize",
    "linethickness", "width", "height", "depth", "columnalign", "rowspacing", "columnspacing", "columnlines",
    "rowlines", "accent", "accentunder", "mathcolor", "displaystyle", "scriptlevel", "form", "largeop", "movablelimits",
    "symmetric", "notation",
}  # fmt: skip
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir", "class"},
    "a": {"href", "title", "target"},
    "ol": {"start"},
    "th": {"align"},
    "td": {"align"},
    "div": {"role", "tabindex", "aria-label"},
    "pre": {"tabindex"},
    "button": {"type", "data-copy-code"},
    "input": {"type", "disabled", "checked"},
    **dict.fromkeys(MATHML, MATHML_ATTRIBUTES),
}
CLEANER = nh3.Cleaner(
    tags=TAGS,
    attributes=ATTRIBUTES,
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
    strip_comments=True,
    clean_content_tags={"script", "style"},
)


def sanitised(html: str) -> str:
    return CLEANER.clean(html)
