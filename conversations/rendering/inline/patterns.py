"""Which patterns are used and in what order."""

from __future__ import annotations

import re
import xml.etree.ElementTree as etree

from markdown import Markdown, util
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor

from .addresses import BARE_ADDRESS, BareAddress
from .links import IMAGE, LINK_OR_IMAGE, Link
from .verbatim import Found, Verbatim, link_of

FOOTNOTE = r"\[\^([^\s\]\[^]+)\]"
ALLOWED_TAG = r"(?i)<(br)\s*/?>|<(sub|sup|kbd|mark|u|ins|small|b|i)>((?:(?!<\2>).)*?)</\2>"
# In ASCII, since other scripts have no blanks around it; bounded, or "a.a.a." would take quadratic time.
BARE_MAIL = (
    r"(?a:(?<![\w.+@/\x03-])([\w.+-]{1,64}+@(?:[a-zA-Z0-9_-]{1,63}\.){1,10}[a-zA-Z0-9-]{0,62}[a-zA-Z])(?![\w@-]))"
)
REPLACED = (
    "backtick", "escape", "reference", "link", "image_link", "image_reference", "short_reference", "short_image_ref",
    "autolink", "automail", "linebreak", "html", "entity",
)  # fmt: skip

# Placeholders of Python-Markdown that ended up where it does not replace them.
LEFTOVER = re.compile(f"{util.STX}[^{util.ETX}]*{util.ETX}?|{util.ETX}")


def register_patterns(md: Markdown, sources: dict[etree.Element, str]) -> None:
    patterns = md.inlinePatterns
    for name in REPLACED:
        if name in patterns:
            patterns.deregister(name)
    patterns.register(Verbatim(md, sources), "verbatim", 190)
    patterns.register(FootnoteReference(FOOTNOTE, md), "footnote", 175)
    patterns.register(Link(LINK_OR_IMAGE, md, sources), "link", 160)
    patterns.register(Link(IMAGE, md, sources), "image_in_link", 150)
    patterns.register(AllowedTag(ALLOWED_TAG, md), "allowed_tag", 90)
    patterns.register(AllowedTag(ALLOWED_TAG, md), "allowed_tag_inside", 89)
    patterns.register(BareMail(BARE_MAIL, md), "bare_mail", 84)
    patterns.register(BareAddress(BARE_ADDRESS, md), "bare_address", 85)
    assert md.delimiters is not None
    md.delimiters.add("~", "del", double=True)


class CleanText(Preprocessor):
    """Takes out what Python-Markdown marks its placeholders with and what no encoder takes; unifies line ends."""

    def run(self, lines: list[str]) -> list[str]:
        text = without_placeholders("\n".join(lines))
        return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


UNSAFE = re.compile(f"[{util.STX}{util.ETX}]")
UNENCODABLE = re.compile("[\0\ud800-\udfff]")


def without_placeholders(text: str) -> str:
    return UNENCODABLE.sub("\ufffd", UNSAFE.sub("", text))


class FootnoteReference(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]
        element = etree.Element("sup", {"class": "footnote-ref"})
        element.text = util.AtomicString(m.group(1))
        return element, m.start(0), m.end(0)


class BareMail(InlineProcessor):
    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]
        return link_of("mailto:" + m.group(1), m.group(1)), m.start(0), m.end(0)


class AllowedTag(InlineProcessor):
    """A few tags without attributes that models use; every other tag is shown as text."""

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]
        if m.group(1):
            return etree.Element("br"), m.start(0), m.end(0)
        element = etree.Element(m.group(2).lower())
        element.text = m.group(3)
        return element, m.start(0), m.end(0)
