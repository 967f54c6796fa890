"""Registers the inline patterns in their order, cleans the text before them, and makes line ends breaks after them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as etree

from markdown import Markdown, util
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor

from .addresses import BARE_ADDRESS, BARE_MAIL, BareAddress, BareMail
from .links import IMAGE, LINK_OR_IMAGE, Link
from .verbatim import Found, Verbatim

FOOTNOTE = r"\[\^([^\s\]\[^]+)\]"
ALLOWED_TAG = r"(?i)<(br)\s*/?>|<(sub|sup|kbd|mark|u|ins|small|b|i)>((?:(?!<\2>).)*?)</\2>"
REPLACED = (
    "backtick", "escape", "reference", "link", "image_link", "image_reference", "short_reference", "short_image_ref",
    "autolink", "automail", "linebreak", "html", "entity",
)  # fmt: skip

VERBATIM = {"code", "pre"}
# Tags that may be siblings of a list item's text.
BLOCKS = {"ul", "ol", "p", "pre", "blockquote", "div", "hr", "h1", "h2", "h3", "h4", "h5", "h6"}

# Placeholders of Python-Markdown in places where it does not replace them.
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
    """Removes Python-Markdown's placeholder marks, replaces unencodable characters, and normalises line ends."""

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


class AllowedTag(InlineProcessor):
    """Accepts a few tags without attributes that models use; all others are shown as text."""

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]
        if m.group(1):
            return etree.Element("br"), m.start(0), m.end(0)
        element = etree.Element(m.group(2).lower())
        element.text = m.group(3)
        return element, m.start(0), m.end(0)


class LineBreaks(Treeprocessor):
    """Makes line ends inside paragraphs breaks: when models end a line, they mean it."""

    def run(self, root: etree.Element) -> None:
        for element in list(root.iter()):
            if element.tag not in VERBATIM:
                break_lines(element)


def break_lines(element: etree.Element) -> None:
    """Makes breaks in the element's own text. Line ends beside blocks and other breaks do not belong to the text."""
    for index, child in reversed(list(enumerate(element))):
        if child.tail and "\n" in child.tail:
            text = child.tail.lstrip("\n") if child.tag == "br" or is_block(child) else child.tail
            child.tail = insert_breaks(element, index + 1, text)
    if element.text and "\n" in element.text:
        element.text = insert_breaks(element, 0, element.text)


def insert_breaks(parent: etree.Element, index: int, text: str) -> str:
    """Inserts the lines after the first at ``index``, each after a break; returns the first line."""
    if index == len(parent) or is_block(parent[index]):
        text = text.rstrip("\n")
    first, *lines = text.split("\n")
    for line in reversed(lines):
        element = etree.Element("br")
        element.tail = line
        parent.insert(index, element)
    return first


def is_block(element: etree.Element) -> bool:
    return element.tag in BLOCKS or "display" in element.attrib
