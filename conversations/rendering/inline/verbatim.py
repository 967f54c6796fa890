"""Inline elements whose meaning does not depend on their surroundings, found in one pass from left to right.

Code spans, mathematics, backslash escapes, entities, addresses in angle brackets and hard line breaks: whichever begins
first wins, as CommonMark requires. Everything that is not plain text becomes a placeholder of Python-Markdown, whose
source is kept, since inside an address or a label it is taken literally.
"""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as etree
from collections.abc import Callable

from markdown import Markdown, util
from markdown.inlinepatterns import InlineProcessor

from conversations.rendering.mathematics import mathml

from .suffix import KnownSuffix

Node = etree.Element | str | None  # None: plain text
Found = tuple[Node, int | None, int | None]
Reader = Callable[[re.Match[str], str], tuple[Node, int]]  # the node, and where it ends

VERBATIM = r"""(?xi)
(?P<code>`+)
|(?P<hard_break>(?:(?<![ ])[ ]{2,}|\\)\n[ ]*)
|(?P<bracketed>\\[(\[])
|\\(?P<escaped>[!-/:-@\[-`{-~])
|(?P<dollars>\$\$?)
|(?P<entity>&(?:\#[0-9]{1,7}|\#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});)
|<(?P<address>https?://[^\s<>]*|mailto:[^\s<>]+)>
|<(?P<email>[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+)>
"""
AMPERSAND = util.AMP_SUBSTITUTE + "amp;"  # the serialiser cannot mistake it for the beginning of an entity
DOLLAR_MATH = re.compile(r"(?<![$\w])\$(?=[^\s$])([^$\n]*?[^\s$\\])\$(?![\w$])")
LOOKS_LIKE_MATH = re.compile(r"[\^_=+*/<>{}0-9]|\\[A-Za-z]")
TICKS = re.compile(r"`+")


class Verbatim(InlineProcessor):
    def __init__(self, md: Markdown, sources: dict[etree.Element, str]):
        super().__init__(VERBATIM, md)
        self.compiled_re = re.compile(VERBATIM)  # without DOTALL, unlike Python-Markdown
        self.sources = sources
        self.last_ticks = LastTicks()
        self.readers: dict[str | None, Reader] = {
            "code": self._code,
            "hard_break": lambda m, data: (etree.Element("br"), m.end()),
            "escaped": lambda m, data: (escaped(m.group("escaped")), m.end()),
            "bracketed": self._bracketed,
            "dollars": self._dollars,
            "entity": self._entity,
            "address": lambda m, data: (link_of(m.group("address"), m.group("address")), m.end()),
            "email": lambda m, data: (link_of("mailto:" + m.group("email"), m.group("email")), m.end()),
        }

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]
        found, end = self.readers[m.lastgroup](m, data)
        if isinstance(found, etree.Element):
            self.sources[found] = data[m.start() : end]
        return found, m.start(), end

    def _code(self, m: re.Match[str], data: str) -> tuple[etree.Element | None, int]:
        end = self.last_ticks.closing(data, m)
        if end is None:
            return None, m.end()
        code = data[m.end() : end].replace("\n", " ")
        if code.startswith(" ") and code.endswith(" ") and code.strip(" "):
            code = code[1:-1]
        element = etree.Element("code", {"dir": "ltr"})
        element.text = util.AtomicString(util.code_escape(code))
        return element, end + len(m.group())

    def _bracketed(self, m: re.Match[str], data: str) -> tuple[etree.Element | str, int]:
        r"""Reads ``\( … \)`` and ``\[ … \]``; otherwise an escaped bracket."""
        round_ = m.group() == "\\("
        end = data.find("\\)" if round_ else "\\]", m.end())
        tex = data[m.end() : end] if end > m.end() else ""
        if tex and (round_ or LOOKS_LIKE_MATH.search(tex)):
            return self._math(tex, display=not round_), end + 2
        return escaped(m.group()[1]), m.end()

    def _dollars(self, m: re.Match[str], data: str) -> tuple[etree.Element | None, int]:
        if m.group() == "$":
            inline = DOLLAR_MATH.match(data, m.start())
            return (self._math(inline.group(1), display=False), inline.end()) if inline else (None, m.end())
        end = data.find("$$", m.end())
        while end > 0 and data[end - 1] == "\\":
            end = data.find("$$", end + 1)
        if end <= m.end() or data.startswith("$", m.end()):
            return None, m.end()
        return self._math(data[m.end() : end], display=True), end + 2

    def _math(self, tex: str, *, display: bool) -> etree.Element:
        assert self.md is not None
        element = etree.Element("span", {"class": "math", "dir": "ltr"})
        if display:
            element.set("display", "")  # for LineBreaks; the sanitiser removes it
        element.text = util.AtomicString(self.md.htmlStash.store(mathml(tex.strip(), display=display)))
        return element

    def _entity(self, m: re.Match[str], data: str) -> tuple[str | None, int]:
        text = html.unescape(m.group())
        if text == m.group():
            return AMPERSAND + text[1:], m.end()  # unknown entity
        return "".join(escaped(char) if char in util.STX + util.ETX + "&" else char for char in text), m.end()


def escaped(char: str) -> str:
    """Hides the character from later patterns."""
    return AMPERSAND if char == "&" else f"{util.STX}{ord(char)}{util.ETX}"


def link_of(target: str, text: str) -> etree.Element:
    element = etree.Element("a", {"href": target.replace("&", AMPERSAND)})
    element.text = util.AtomicString(text.replace("&", AMPERSAND))
    return element


class LastTicks(KnownSuffix):
    """Maps each length to the last run of so many backticks, so that unclosed ones are not searched for again."""

    def closing(self, data: str, opening: re.Match[str]) -> int | None:
        """Returns where the run begins that closes the code span; None if there is none."""
        length = len(opening.group())
        self.know(data, opening.end())
        if self.places.get(length, 0) <= 0 or len(data) - self.places[length] < opening.end():
            return None
        runs = TICKS.finditer(data, opening.end())
        return next((run.start() for run in runs if len(run.group()) == length), None)

    def read(self, text: str) -> None:
        for run in TICKS.finditer(text):
            self.places[len(run.group())] = len(text) - run.start()
