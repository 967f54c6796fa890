"""Links, and images as links: loading remote images would tell third parties who reads what."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as etree
from typing import NamedTuple

from markdown import Markdown, util
from markdown.inlinepatterns import InlineProcessor

from .suffix import BracketPairs
from .verbatim import Found

LINK_OR_IMAGE = r"!?\["
IMAGE = r"!\["
LINK = re.compile(r"(?<!!)\[")
LABEL = re.compile(r"\[([^\[\]]*)\]")
ANGLED = re.compile(r"\([ \t\n]*<([^<>\n]*)>")
BARE_BEGINNING = re.compile(r"\([ \t\n]*(?!<)")
BARE_STEP = re.compile(r"[^ \t\n()]+|[()]")
REST = re.compile(r"""(?:[ \t\n]+("[^"]*"|'[^']*'|\([^()]*\)))?[ \t\n]*\)""")
ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
ESCAPED = re.compile(f"{util.STX}(\\d+){util.ETX}")
MOST_PARENTHESES = 8  # nested in an address

# Characters of addresses and titles: a few characters of text can refer to long ones again and again.
MOST_REFERENCED = 200_000


class References(dict[str, tuple[str, str]]):
    """The link reference definitions of a text: name → address, title."""

    left = MOST_REFERENCED  # characters that the text's links may still take

    def take(self, name: str) -> tuple[str, str] | None:
        """Returns None if the name is not defined, or nothing is left."""
        found = self.get(name)
        if not found or self.left <= 0:
            return None
        self.left -= sum(map(len, found))
        return found

    def copy(self) -> References:
        copied = References(self)
        copied.left = self.left
        return copied


class Target(NamedTuple):
    href: str
    title: str | None
    end: int  # of the whole link


class Link(InlineProcessor):
    """``[text](address "title")``, ``[text][label]``, ``[label][]`` and ``[label]``; images with ``!`` before it."""

    def __init__(self, pattern: str, md: Markdown, sources: dict[etree.Element, str]):
        super().__init__(pattern, md)
        self.markdown = md
        self.sources = sources
        self.pairs = BracketPairs()

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]
        closing = self.pairs.closing(data, m.end() - 1)
        target = self.target_of(data, m.end(), closing) if closing is not None else None
        if target is None or closing is None:
            return None, m.start(), m.end()
        text = data[m.end() : closing]
        if m.group() == "![":
            return self._image(target, text), m.start(), target.end
        if self._contains_link(data, m.end(), closing):
            return None, m.start(), m.end()
        return link(target, text), m.start(), target.end

    def _image(self, target: Target, text: str) -> etree.Element:
        """Inside a link, an image becomes its text only, since links cannot be nested."""
        inside = "a" in self.markdown.treeprocessors["inline"].ancestors  # type: ignore[attr-defined]
        element = etree.Element("span") if inside else link(target, text)
        element.set("class", "image")
        element.text = text or util.AtomicString(target.href)
        return element

    def _contains_link(self, data: str, begin: int, end: int) -> bool:
        """Whether the range contains a link: links cannot be nested, and the inner one wins."""
        for opening in LINK.finditer(data, begin, end):
            closing = self.pairs.closing(data, opening.start())
            if closing is not None and self.target_of(data, opening.end(), closing):
                return True
        return False

    def target_of(self, data: str, begin: int, closing: int) -> Target | None:
        """Returns the target of the link whose brackets enclose ``begin`` to ``closing``; None if it is not a link."""
        if data.startswith("(", closing + 1) and (target := self._target_in_parentheses(data, closing + 1)):
            return target
        label = LABEL.match(data, closing + 1)
        name = (label and label.group(1)) or data[begin:closing]
        references = self.markdown.references
        assert isinstance(references, References)
        found = references.take(normalised_label(self._source(name)))
        return Target(*found, label.end() if label else closing + 1) if found else None

    def _target_in_parentheses(self, data: str, position: int) -> Target | None:
        if angled := ANGLED.match(data, position):
            address, position = angled.group(1), angled.end()
        else:
            bare = bare_address(data, position)
            if bare is None:
                return None
            address, position = data[slice(*bare)], bare[1]
        rest = REST.match(data, position)
        if not rest:
            return None
        title = rest.group(1)
        return Target(self._address(address), self._address(title[1:-1]) if title else None, rest.end())

    def _source(self, text: str) -> str:
        """Restores the text as it was written, with its backslashes."""
        return ESCAPED.sub(lambda m: "\\" + chr(int(m.group(1))), self._with_sources(text))

    def _address(self, text: str) -> str:
        return ESCAPE.sub(r"\1", self._with_sources(text)) if util.STX in text else text

    def _with_sources(self, text: str) -> str:
        stash: dict[str, etree.Element | str] = self.markdown.treeprocessors["inline"].stashed_nodes  # type: ignore[attr-defined]

        def source(m: re.Match[str]) -> str:
            node = stash.get(m.group(1), "")
            return node if isinstance(node, str) else self.sources.get(node, "".join(node.itertext()))

        return util.INLINE_PLACEHOLDER_RE.sub(source, text)


def link(target: Target, text: str) -> etree.Element:
    element = etree.Element("a", {"href": target.href})
    if target.title:
        element.set("title", target.title)
    element.text = text
    return element


def bare_address(data: str, position: int) -> tuple[int, int] | None:
    """Returns begin and end of an address without angle brackets; None if its parentheses are not balanced."""
    opening = BARE_BEGINNING.match(data, position)
    if not opening:
        return None
    end, depth = opening.end(), 0
    while (step := BARE_STEP.match(data, end)) and depth <= MOST_PARENTHESES:
        depth += {"(": 1, ")": -1}.get(step.group(), 0)
        if depth < 0:
            break
        end = step.end()
    return None if depth > 0 else (opening.end(), end)


def normalised_label(label: str) -> str:
    return " ".join(label.split()).casefold()


def without_marks(text: str) -> str:
    """Resolves backslash escapes and entities in the address or title of a definition."""
    return html.unescape(ESCAPE.sub(r"\1", text))
