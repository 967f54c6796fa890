"""The block reader's input, lines, and its output, a tree of blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    # Containers
    ROOT = "root"
    QUOTE = "quote"
    LIST = "list"
    ITEM = "item"
    NOTE = "note"  # the definition of a footnote
    # Leaves
    PARAGRAPH = "paragraph"
    HEADING = "heading"
    RULE = "rule"
    FENCE = "fence"
    CODE = "code"  # by indentation
    TABLE = "table"
    MATH = "math"
    HIDDEN = "hidden"  # in an unfinished tail: not yet decided


CONTAINERS = frozenset({Kind.ROOT, Kind.QUOTE, Kind.LIST, Kind.ITEM, Kind.NOTE})


LANGUAGE_END = re.compile(r"[\s{,:]")
TAB = 4  # columns


class Definition(NamedTuple):
    """A link reference definition as written; the target may be in angle brackets."""

    label: str
    target: str
    title: str | None


class Block:
    """``start`` and ``end`` are line numbers in the text, both inclusive."""

    marker = ""  # fence: its opening run; list: bullet, or delimiter after the number; math: its opening
    label = ""  # fence: its info string; list: its first number, empty for bullets; note: its name
    inner_fences: list[int] | None = None  # fence that contains Markdown: lengths of the fences open inside it
    indent = 0  # item, note: columns before its content; fence: columns before it
    level = 0  # heading
    loose = False  # list: has blank lines between its items
    aligns: Sequence[str | None] = ()  # table: alignment per column
    definitions: Sequence[Definition] = ()  # paragraph, heading: removed from its beginning

    def __init__(self, kind: Kind, line: int):
        self.kind = kind
        self.start = self.end = line
        self.children: list[Block] = []
        self.lines: list[str] = []  # leaf: without its containers' markers and indentation
        self.rows: list[list[str]] = []  # table: its cells, the head row first

    def __repr__(self) -> str:
        return f"<{self.kind} {self.start}-{self.end} {self.children or self.lines}>"

    @property
    def language(self) -> str:
        """The first word of a fence's info string, in lower case."""
        return LANGUAGE_END.split(self.label, maxsplit=1)[0].lower()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Line:
    """A line, from which open containers take their part at the left. Tab stops are four columns apart."""

    __slots__ = ("blank", "column", "index", "text", "width")

    def __init__(self, text: str):
        self.column = 0  # of the first remaining character
        self._set(text)

    def _set(self, text: str) -> None:
        index = len(text) - len(text.lstrip(" \t"))
        self.text = text
        self.index = index  # of the first non-blank character
        self.blank = index == len(text)
        self.width = columns(text[:index], self.column) if index else 0  # columns of blanks before it

    @property
    def rest(self) -> str:
        return self.text[self.index :]

    def without(self, count: int) -> str:
        """Returns the text without up to ``count`` columns of blanks; the rest of a cut tab becomes spaces."""
        if self.width == self.index:  # no tabs
            return self.text[min(count, self.index) :]
        index = width = 0
        while width < count and index < self.index:
            width += step(self.text[index], self.column + width)
            index += 1
        return " " * max(0, width - count) + self.text[index:]

    def strip(self, count: int) -> None:
        if not self.index:
            return
        text = self.without(count)
        self.column += min(self.width, count)
        self._set(text)

    def skip(self, count: int) -> None:
        """Skips the blanks and ``count`` characters of a marker."""
        self.column += self.width + count
        self._set(self.text[self.index + count :])


def columns(blanks: str, column: int) -> int:
    if "\t" not in blanks:
        return len(blanks)
    width = 0
    for char in blanks:
        width += step(char, column + width)
    return width


def step(blank: str, column: int) -> int:
    return TAB - column % TAB if blank == "\t" else 1
