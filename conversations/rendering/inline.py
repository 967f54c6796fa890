"""What stands inside a line: mathematics, links, images as links, footnote marks, and the few tags that models use."""

from __future__ import annotations

import re
import xml.etree.ElementTree as etree
from typing import Any

from markdown import util
from markdown.inlinepatterns import ImageInlineProcessor, InlineProcessor, LinkInlineProcessor
from markdown.preprocessors import Preprocessor

from .mathematics import mathml

Found = tuple[Any, int | None, int | None]

MATH = (
    r"\\\((.+?)\\\)"
    r"|\\\[(?=[^\]\\]*(?:[\^_=+*/<>{}0-9]|\\[A-Za-z]))(.+?)\\\]"
    r"|(?<![\\$])\$\$(?!\$)(.+?)(?<!\\)\$\$"
    r"|(?<![\\$\w])\$(?=[^\s$])([^$\n]*?[^\s$\\])\$(?![\d\w$])"
)
FOOTNOTE = r"\[\^([^\s\]^]+)\]"
ALLOWED_TAG = r"(?i)<(br)\s*/?>|<(sub|sup|kbd|mark|u|ins|small|b|i)>((?:(?!<\2>).)*?)</\2>"
HARD_BREAK = r"(?: {2,}|\\)\n"
EMAIL = r"<([\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+)>"


class CleanText(Preprocessor):
    """Removes the characters with which Python-Markdown marks its placeholders, and unifies line ends."""

    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines).replace(util.STX, "").replace(util.ETX, "")
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd").split("\n")


class InlineMath(InlineProcessor):
    r"""``\( … \)``, ``$ … $``, ``$$ … $$`` and ``\[ … \]`` inside a line of text."""

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]
        tex = next(group for group in m.groups() if group is not None)
        element = etree.Element("span", {"class": "math", "dir": "ltr"})
        html = mathml(tex.strip(), display=bool(m.group(2) or m.group(3)))
        element.text = util.AtomicString(self.md.htmlStash.store(html))
        return element, m.start(0), m.end(0)


class AllowedTag(InlineProcessor):
    """A few tags without attributes; every other tag is shown as text."""

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]
        if m.group(1):
            return etree.Element("br"), m.start(0), m.end(0)
        element = etree.Element(m.group(2).lower())
        element.text = m.group(3)
        return element, m.start(0), m.end(0)


class Link(LinkInlineProcessor):
    """An address has no blanks unless it stands in angle brackets, and opens in a page of its own."""

    def getLink(self, data: str, index: int) -> tuple[str, str | None, int, bool]:
        href, title, end, handled = super().getLink(data, index)
        if handled and " " in href and not data.startswith("(<", index):
            return href, title, end, False
        return href, title, end, handled


class ImageAsLink(ImageInlineProcessor):
    """Remote images are not loaded, since that would tell strangers who reads what: they become links."""

    def getLink(self, data: str, index: int) -> tuple[str, str | None, int, bool]:
        href, title, end, handled = super().getLink(data, index)
        if handled and " " in href and not data.startswith("(<", index):
            return href, title, end, False
        return href, title, end, handled

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]
        image, start, end = super().handleMatch(m, data)
        if image is None or isinstance(image, str):
            return image, start, end
        link = etree.Element("a", {"href": image.get("src") or "", "class": "image"})
        link.text = util.AtomicString(image.get("alt") or image.get("src") or "")
        return link, start, end


class FootnoteReference(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]
        element = etree.Element("sup", {"class": "footnote-ref"})
        element.text = util.AtomicString(m.group(1))
        return element, m.start(0), m.end(0)
