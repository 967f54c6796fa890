"""The blocks of an unfinished text: a line is shown once it is clear what it will be.

Used only while text still arrives. The finished block is always rendered from the text as it is.
"""

from __future__ import annotations

import re

from conversations.rendering.blocks import Block, BlockReader, Kind
from conversations.rendering.limits import is_readable

from .marks import closed

# A last line of which one cannot yet say what it will be.
UNDECIDED = re.compile(
    r"[ \t>]*+(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*"  # markers already decided
    r"(?:[-+*=_~`#>|:$ \t]*|\d{1,9}[.)]?|\\\[?|\[[ xX]?\]?|[`~]{3,}[^`\n]*|#{1,6}[ \t]*)[ \t]*$"
)
CLOSING_FENCE = re.compile(r"[ \t>]*+[`~]+[ \t]*$")
DELIMITER_PREFIX = re.compile(r"[|:\- \t]*$")


def read_tail(text: str) -> Block:
    """The block tree as it is shown: what is open is closed, what is undecided is left out."""
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
    """Its last cell that has begun is the one that still grows."""
    index = max((index for index, cell in enumerate(row) if cell), default=None)
    if index is not None and is_readable(row[index]):
        row[index] = closed(row[index])


def hold_back_table(paragraph: Block) -> None:
    """A line that may become the head of a table waits for the row of dashes, and that for its end."""
    if not paragraph.lines or not paragraph.lines[-1].startswith("|"):
        return
    may_be_delimiters = DELIMITER_PREFIX.match(paragraph.lines[-1])
    if len(paragraph.lines) > 1 and paragraph.lines[-2].startswith("|") and not may_be_delimiters:
        return  # two rows of text: no table
    if may_be_delimiters:
        paragraph.lines.pop()
    if paragraph.lines and paragraph.lines[-1].startswith("|"):
        paragraph.lines.pop()
