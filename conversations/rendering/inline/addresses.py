"""Turns bare URLs and mail addresses into links. URLs end by GitHub's rules, extended for characters beyond ASCII."""

from __future__ import annotations

import re
import unicodedata

from markdown.inlinepatterns import InlineProcessor

from .verbatim import Found, link_of

BARE_ADDRESS = r"(?i)(?<![^\s*_~(\[{\x03\u0080-\U0010ffff])(?:https?://|www\.)(?=[^\s<>\x02\x03])"

# ASCII only, since other scripts put no blanks around it. Bounded, since "a.a.a." would take quadratic time.
BARE_MAIL = (
    r"(?a:(?<![\w.+@/\x03-])([\w.+-]{1,64}+@(?:[a-zA-Z0-9_-]{1,63}\.){1,10}[a-zA-Z0-9-]{0,62}[a-zA-Z])(?![\w@-]))"
)


def ends_address(char: str) -> bool:
    """Whether ``char``, beyond ASCII, is punctuation, invisible, or the full-width form of an ASCII symbol."""
    category = unicodedata.category(char)
    return category[0] == "P" or category == "Cf" or (category[0] == "S" and "\uff00" <= char <= "\uffef")


BEYOND_ASCII = "".join(char for char in map(chr, range(0x80, 0x10000)) if ends_address(char))
PIECE = re.compile(f"[^\\s<>()\\[\\]{{}}\x02\x03{re.escape(BEYOND_ASCII)}]+|[()\\[\\]{{}}]")
CLOSING = {")": "(", "]": "[", "}": "{"}
TRAILING = "?!.,:;*_~'\""


class BareAddress(InlineProcessor):
    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]
        address = data[m.start() : end_of_address(data, m.end())].rstrip(TRAILING)
        if len(address) <= len(m.group()):
            return None, m.start(), m.end()
        href = address if "://" in m.group() else f"http://{address}"
        return link_of(href, address), m.start(), m.start() + len(address)


class BareMail(InlineProcessor):
    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]
        return link_of("mailto:" + m.group(1), m.group(1)), m.start(0), m.end(0)


def end_of_address(data: str, position: int) -> int:
    """Returns where the address ends; a closing bracket that it did not open ends it, too."""
    opened: list[str] = []
    while piece := PIECE.match(data, position):
        char = piece.group()
        if char in CLOSING and (not opened or opened.pop() != CLOSING[char]):
            break
        if char in CLOSING.values():
            opened.append(char)
        position = piece.end()
    return position
