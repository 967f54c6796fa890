"""Reads the blocks of an unfinished text, and shows a line once it is clear what it will be.

Used only while text arrives. A finished block is always rendered from its unchanged text.
"""

from __future__ import annotations

import re

from conversations.rendering.blocks import Block, BlockReader, Kind
from conversations.rendering.limits import is_readable

from .marks import closed

# A last line that may still become several kinds of block.
UNDECIDED = re.compile(
    r"[ \t>]*+(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*"  # markers already decided
    r"(?:[-+*=_~`#>|:$ \t]*|\d{1,9}[.)]?|\\\[?|\[[ xX]?\]?|[`~]{3,}[^`\n]*|#{1,6}[ \t]*)[ \t]*$"
)
CLOSING_FENCE = re.compile(r"[ \t>]*+[`~]+[ \t]*$")
DELIMITER_PREFIX = re.compile(r"[|:\- \t]*$")


def read_tail(text: str) -> Block:
    """Returns the block tree to show: closes what is open, leaves out what is undecided."""
    *lines, last = text.split("\n")
    reader = BlockReader()
    for line in lines:
        reader.line(line)
    if last and not is_undecided(reader.tip, last):
        reader.line(last)
    settle(reader, last)
    reader.close()
    return reader.root


def is_undecided(tip: Block, last: str) -> bool:
    match tip.kind:
        case Kind.MATH:
            return True
        case Kind.FENCE:
            return CLOSING_FENCE.match(last) is not None
        case Kind.CODE if last.startswith("    "):
            return False
    return UNDECIDED.match(last) is not None


def settle(reader: BlockReader, last: str) -> None:
    tip = reader.tip
    match tip.kind:
        case Kind.MATH:
            tip.kind, tip.lines = Kind.HIDDEN, []
        case Kind.PARAGRAPH:
            hold_back_table(tip)
            settle_text(tip)
        case Kind.TABLE if last:
            settle_row(tip.rows[-1])
        case _ if last and tip.children and tip.children[-1].kind == Kind.HEADING:
            settle_text(tip.children[-1])


def settle_text(block: Block) -> None:
    if block.lines and is_readable(block.text):
        block.lines = closed(block.text).split("\n")


def settle_row(row: list[str]) -> None:
    """Closes the marks in the last cell that has text, which is still growing."""
    index = max((index for index, cell in enumerate(row) if cell), default=None)
    if index is not None and is_readable(row[index]):
        row[index] = closed(row[index])


def hold_back_table(paragraph: Block) -> None:
    """Holds back a possible head row of a table until the delimiter row is complete."""
    if not paragraph.lines or not paragraph.lines[-1].startswith("|"):
        return
    may_be_delimiters = DELIMITER_PREFIX.match(paragraph.lines[-1])
    if len(paragraph.lines) > 1 and paragraph.lines[-2].startswith("|") and not may_be_delimiters:
        return  # two rows of text are not a table
    if may_be_delimiters:
        paragraph.lines.pop()
    if paragraph.lines and paragraph.lines[-1].startswith("|"):
        paragraph.lines.pop()
