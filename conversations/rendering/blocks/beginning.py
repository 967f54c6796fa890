"""Decides whether the rest of a line begins a block: one function per kind, looked up by the first character."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING

from .block import Kind, Line
from .continuing import MATH_CLOSE
from .references import take_definitions

if TYPE_CHECKING:
    from .reader import BlockReader

HEADING = re.compile(r"(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$")
UNDERLINE = re.compile(r"(=+|-+)[ \t]*$")
RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})$")
MARKDOWN = frozenset({"markdown", "md", "mdx", "gfm", "commonmark"})
FENCE = re.compile(r"(`{3,})([^`]*)$|(~{3,})(.*)$")
MATH = re.compile(r"(\$\$|\\\[)(.*)$")
NOTE = re.compile(r"\[\^([^\s\]^]+)\]:[ \t]*")
MARKER = re.compile(r"([*+-])(?=[ \t]|$)|(\d{1,9})([.)])(?=[ \t]|$)")


class Began(Enum):
    NOTHING = auto()
    LEAF = auto()  # the line is consumed
    CONTAINER = auto()  # the rest of the line is inside it


def begin_quote(reader: BlockReader, line: Line) -> Began:
    reader.open(Kind.QUOTE)
    line.skip(1)
    line.strip(1)
    return Began.CONTAINER


def begin_heading(reader: BlockReader, line: Line) -> Began:
    match = HEADING.match(line.rest)
    if not match:
        return Began.NOTHING
    block = reader.open(Kind.HEADING)
    block.level = len(match.group(1))
    block.lines.append((match.group(2) or "").strip())
    reader.close_tip()
    return Began.LEAF


def underline_heading(reader: BlockReader, line: Line) -> Began:
    paragraph = reader.surrounding
    if not reader.in_paragraph or not UNDERLINE.match(line.rest) or not take_definitions(paragraph):
        return Began.NOTHING
    paragraph.kind = Kind.HEADING
    paragraph.level = 1 if line.rest[0] == "=" else 2
    reader.touch(len(reader.path))
    reader.close_tip()
    return Began.LEAF


def begin_rule(reader: BlockReader, line: Line) -> Began:
    if not RULE.match(line.rest):
        return Began.NOTHING
    reader.open(Kind.RULE)
    reader.close_tip()
    return Began.LEAF


def begin_fence(reader: BlockReader, line: Line) -> Began:
    match = FENCE.match(line.rest)
    if not match:
        return Began.NOTHING
    block = reader.open(Kind.FENCE)
    block.marker = match.group(1) or match.group(3)
    block.label = (match.group(2) or match.group(4) or "").strip()
    block.indent = line.width
    if block.language in MARKDOWN:
        block.inner_fences = []
    return Began.LEAF


def begin_math(reader: BlockReader, line: Line) -> Began:
    """Inside a paragraph, only an opening mark alone on its line, or closed at the line's end, begins mathematics."""
    match = MATH.match(line.rest)
    if not match:
        return Began.NOTHING
    ending, body = MATH_CLOSE[match.group(1)], match.group(2).rstrip()
    closed = body.find(ending) == len(body) - 2 if len(body) >= 2 else False
    in_text = reader.in_paragraph or reader.lazy
    if not closed and (ending in body or (in_text and body)):
        return Began.NOTHING
    block = reader.open(Kind.MATH)
    block.marker = match.group(1)
    block.lines.append(line.rest.strip())
    if closed:
        reader.close_tip()
    return Began.LEAF


def begin_note(reader: BlockReader, line: Line) -> Began:
    match = NOTE.match(line.rest)
    if not match:
        return Began.NOTHING
    block = reader.open(Kind.NOTE)
    block.label = match.group(1)
    block.indent = 4
    line.skip(match.end())
    return Began.CONTAINER


def begin_item(reader: BlockReader, line: Line) -> Began:
    match = MARKER.match(line.text, line.index)
    if not match:
        return Began.NOTHING
    bullet, number, delimiter = match.groups()
    size, before = match.end() - line.index, line.width
    surrounding = reader.surrounding
    if surrounding.kind is Kind.PARAGRAPH and (number not in (None, "1") or not line.text[match.end() :].strip(" \t")):
        return Began.NOTHING
    if surrounding.kind is not Kind.LIST or surrounding.marker != (bullet or delimiter):
        block = reader.open(Kind.LIST)
        block.marker, block.label = bullet or delimiter, number or ""
    line.skip(size)
    gap = 1 if line.blank or line.width > 4 else line.width
    reader.open(Kind.ITEM).indent = before + size + gap
    line.strip(gap)
    return Began.CONTAINER


Beginning = Callable[["BlockReader", Line], Began]

BEGINNINGS: dict[str, tuple[Beginning, ...]] = {
    ">": (begin_quote,),
    "#": (begin_heading,),
    "`": (begin_fence,),
    "~": (begin_fence,),
    "$": (begin_math,),
    "\\": (begin_math,),
    "=": (underline_heading,),
    "-": (underline_heading, begin_rule, begin_item),
    "*": (begin_rule, begin_item),
    "_": (begin_rule,),
    "+": (begin_item,),
    "[": (begin_note,),
    **dict.fromkeys("0123456789", (begin_item,)),
}
