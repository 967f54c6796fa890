"""Lets only these elements and attributes out of the renderer, whatever went wrong before.

The renderer already shows raw HTML as text; this is the second safeguard.
"""

from __future__ import annotations

import nh3
from pygments.token import STANDARD_TYPES

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
    "a": {"href", "title", "target"},
    "ol": {"start"},
    "div": {"aria-label"},  # a table's name
    "code": {"class"},  # language-…, with any name
    **dict.fromkeys(MATHML, MATHML_ATTRIBUTES),
}
VALUES: dict[str, dict[str, set[str]]] = {
    **{tag: {"dir": {"auto", "ltr"}} for tag in TAGS},
    "th": {"dir": {"auto"}, "align": {"left", "center", "right"}},
    "td": {"dir": {"auto"}, "align": {"left", "center", "right"}},
    "div": {"dir": {"auto", "ltr"}, "role": {"region"}, "tabindex": {"0"}},
    "pre": {"dir": {"auto"}, "tabindex": {"0"}},
    "button": {"type": {"button"}, "data-copy-code": {""}},
    "input": {
        "type": {"checkbox"},
        "disabled": {"", "disabled"},
        "checked": {"", "checked"},
        "aria-label": {"Done", "To do"},
    },
}
# Only the site's own classes: models must not set any.
CLASSES = {
    "div": {"code", "code__bar", "table", "math", "footnote-def"},
    "span": {"code__language", "math", "image", *filter(None, STANDARD_TYPES.values())},
    "button": {"code__copy"},
    "pre": {"plain"},
    "a": {"image"},
    "li": {"task"},
    "sup": {"footnote-ref"},
}
CLEANER = nh3.Cleaner(
    tags=TAGS,
    attributes=ATTRIBUTES,
    tag_attribute_values=VALUES,
    allowed_classes=CLASSES,
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
    strip_comments=True,
    clean_content_tags={"script", "style"},
)


def sanitise(html: str) -> str:
    return CLEANER.clean(html)
