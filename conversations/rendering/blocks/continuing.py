"""Decides whether a line continues an open block: one function per kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING

from .block import Block, Kind, Line

if TYPE_CHECKING:
    from .reader import BlockReader

INNER_FENCE = re.compile(r"((?:(?:[*+-]|\d{1,9}[.)])[ \t]+)*)(`{3,}|~{3,})(.*)")
FENCE_CLOSE = re.compile(r"(`{3,}|~{3,})[ \t]*$")
MATH_CLOSE = {"$$": "$$", "\\[": "\\]"}


class Fate(Enum):
    CONTINUES = auto()  # the rest of the line belongs to the block or its children
    TAKEN = auto()  # the block consumed the whole line
    ENDS = auto()


def list_goes_on(reader: BlockReader, block: Block, line: Line) -> Fate:
    return Fate.CONTINUES  # its items decide


def item_goes_on(reader: BlockReader, block: Block, line: Line) -> Fate:
    if line.blank and not block.children and block.kind == Kind.ITEM:
        return Fate.ENDS  # an item may begin with one blank line, but not with two
    if not line.blank and line.width < block.indent:
        return Fate.ENDS
    line.strip(block.indent)
    return Fate.CONTINUES


def quote_goes_on(reader: BlockReader, block: Block, line: Line) -> Fate:
    if line.width > 3 or line.blank or line.text[line.index] != ">":
        return Fate.ENDS
    line.skip(1)
    line.strip(1)
    return Fate.CONTINUES


def text_goes_on(reader: BlockReader, block: Block, line: Line) -> Fate:
    return Fate.ENDS if line.blank else Fate.CONTINUES


def fence_goes_on(reader: BlockReader, block: Block, line: Line) -> Fate:
    reader.touch(reader.depth + 1)
    is_inner = block.inner_fences is not None and is_of_inner_fence(block.marker, block.inner_fences, line)
    may_close = not is_inner and line.width <= 3 and line.text.startswith(block.marker, line.index)
    if may_close and FENCE_CLOSE.match(line.text, line.index):
        reader.close_to(reader.depth)
    else:
        block.lines.append(line.without(block.indent))
    return Fate.TAKEN


def is_of_inner_fence(marker: str, fences: list[int], line: Line) -> bool:
    """Handles fences inside a Markdown fence of the same length, which models write: a fence with a language, or at the
    beginning of a list item, opens an inner one; a bare one closes the innermost."""
    match = INNER_FENCE.match(line.text, line.index)
    if not match or not match.group(2).startswith(marker):
        return False
    item, run, info = match.groups()
    if item or info.strip():
        if "`" not in info:
            fences.append(len(run))
        return True
    if not fences:
        return False
    if len(run) >= fences[-1]:
        fences.pop()
    return True


def code_goes_on(reader: BlockReader, block: Block, line: Line) -> Fate:
    if not line.blank and line.width < 4:
        return Fate.ENDS
    block.lines.append(line.without(4))
    if not line.blank:
        reader.touch(reader.depth + 1)
    return Fate.TAKEN


def math_goes_on(reader: BlockReader, block: Block, line: Line) -> Fate:
    if line.blank:
        return Fate.ENDS
    text = line.text.strip()
    block.lines.append(text)
    reader.touch(reader.depth + 1)
    if text.endswith(MATH_CLOSE[block.marker]):
        reader.close_to(reader.depth)
    return Fate.TAKEN


CONTINUATIONS: dict[Kind, Callable[[BlockReader, Block, Line], Fate]] = {
    Kind.LIST: list_goes_on,
    Kind.ITEM: item_goes_on,
    Kind.NOTE: item_goes_on,
    Kind.QUOTE: quote_goes_on,
    Kind.PARAGRAPH: text_goes_on,
    Kind.TABLE: text_goes_on,
    Kind.FENCE: fence_goes_on,
    Kind.CODE: code_goes_on,
    Kind.MATH: math_goes_on,
}


def is_closed_math(block: Block) -> bool:
    text = block.text
    return len(text) >= 4 and text.endswith(MATH_CLOSE[block.marker])
