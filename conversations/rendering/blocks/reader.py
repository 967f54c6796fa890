"""Parses blocks line by line.

Follows CommonMark 0.31's block rules except for raw HTML, which is shown as text, and adds GitHub's tables, display
mathematics and footnote definitions. A child of the root that is not on the open path never changes again, so the
reader also serves as the segmenter of the live stream.
"""

from __future__ import annotations

from itertools import pairwise

from .beginning import BEGINNINGS, Began
from .block import CONTAINERS, Block, Kind, Line
from .continuing import CONTINUATIONS, Fate, is_closed_math
from .references import take_definitions
from .tables import cells, columns_below, row_of

MAX_DEPTH = 24  # nested containers; deeper markers remain text


class BlockReader:
    """``depth`` and ``lazy`` describe the current line."""

    def __init__(self) -> None:
        self.root = Block(Kind.ROOT, 0)
        self.path = [self.root]  # the open blocks, each inside the previous one
        self.number = -1  # of the current line
        self.depth = 1  # how many open blocks the line continues
        self.lazy = False  # the line may continue a paragraph without continuing its containers

    def line(self, text: str) -> None:
        """Reads one line, given without its line end."""
        self.number += 1
        line = Line(text)
        if not self._continue(line):
            self._begin(line)

    def close(self) -> None:
        """Ends the text."""
        self.close_to(1)

    @property
    def tip(self) -> Block:
        return self.path[-1]

    @property
    def surrounding(self) -> Block:
        """The innermost block that the line continues."""
        return self.path[min(self.depth, len(self.path)) - 1]

    @property
    def in_paragraph(self) -> bool:
        return self.surrounding.kind is Kind.PARAGRAPH

    # The two steps per line

    def _continue(self, line: Line) -> bool:
        """Sets ``depth`` to how many open blocks the line continues; True if one of them consumed the whole line."""
        self.depth = 1
        path = self.path
        while self.depth < len(path):
            block = path[self.depth]
            fate = CONTINUATIONS[block.kind](self, block, line)
            if fate is Fate.TAKEN:
                return True
            if fate is Fate.ENDS:
                break
            self.depth += 1
        return False

    def _begin(self, line: Line) -> None:
        """Opens the blocks that the rest of the line begins; the remainder is text."""
        self.lazy = self.depth < len(self.path) and self.path[-1].kind is Kind.PARAGRAPH
        while not line.blank:
            began = self._begin_code(line) if line.width >= 4 else self._begin_block(line)
            if began is Began.LEAF:
                return
            if began is Began.NOTHING:
                return self._text(line)
            self.lazy = False
        self._blank()

    def _begin_code(self, line: Line) -> Began:
        if self.in_paragraph or self.lazy:
            return Began.NOTHING
        self.open(Kind.CODE).lines.append(line.without(4))
        return Began.LEAF

    def _begin_block(self, line: Line) -> Began:
        beginnings = BEGINNINGS.get(line.text[line.index])
        if beginnings is None or (self.depth > MAX_DEPTH and len(self.path) > MAX_DEPTH):
            return Began.NOTHING
        for begin in beginnings:
            began = begin(self, line)
            if began is not Began.NOTHING:
                return began
        return Began.NOTHING

    def _blank(self) -> None:
        """A blank line inside a quote belongs to the quote."""
        for depth in range(min(self.depth, len(self.path)) - 1, 0, -1):
            if self.path[depth].kind == Kind.QUOTE:
                self.touch(depth + 1)
                break
        self.close_to(self.depth)

    def _text(self, line: Line) -> None:
        if not self.lazy:
            self.close_to(self.depth)
        tip, text = self.path[-1], line.rest
        if tip.kind is Kind.PARAGRAPH:
            if self.lazy or line.width >= 4 or not self._begin_table(tip, text):
                tip.lines.append(text)
                self.touch(len(self.path))
        elif tip.kind is Kind.TABLE:
            tip.rows.append(row_of(text, len(tip.aligns), len(tip.rows)))
            self.touch(len(self.path))
        else:
            self.open(Kind.PARAGRAPH).lines.append(text)

    def _begin_table(self, paragraph: Block, line: str) -> bool:
        """Turns the paragraph's last line into a table's head row if ``line`` is its delimiter row."""
        aligns = columns_below(paragraph.lines[-1], line) if paragraph.lines else None
        if aligns is None:
            return False
        heads = paragraph.lines.pop()
        self.path.pop()
        if paragraph.lines:
            paragraph.end = self.number - 2
            take_definitions(paragraph)
        else:
            self.tip.children.pop()
        self.depth = len(self.path)
        table = self.open(Kind.TABLE)
        table.start = self.number - 1
        table.aligns = aligns
        table.rows.append(cells(heads, len(aligns)))
        return True

    # The open path

    def open(self, kind: Kind) -> Block:
        """Opens a block inside the innermost continued one that may contain it."""
        path = self.path
        self.close_to(self.depth)
        while path[-1].kind not in CONTAINERS or (path[-1].kind is Kind.LIST and kind is not Kind.ITEM):
            self.close_tip()
        block = Block(kind, self.number)
        path[-1].children.append(block)
        path.append(block)
        self.depth = len(path)
        self.touch(self.depth)
        return block

    def touch(self, depth: int) -> None:
        """Extends the first ``depth`` blocks of the path to the current line."""
        number = self.number
        for block in self.path[:depth]:
            block.end = number

    def close_tip(self) -> None:
        self.close_to(len(self.path) - 1)

    def close_to(self, depth: int) -> None:
        path = self.path
        while len(path) > depth:
            block = path.pop()
            if block.kind is Kind.PARAGRAPH:
                take_definitions(block)
            elif block.kind is Kind.LIST:
                block.loose = is_loose(block)
            elif block.kind is Kind.MATH and not is_closed_math(block):
                block.kind = Kind.PARAGRAPH


def is_loose(block: Block) -> bool:
    """Whether blank lines separate the list's items, or blocks directly inside an item."""
    rows = [block.children, *(item.children for item in block.children)]
    return any(two.start - one.end > 1 for row in rows for one, two in pairwise(row))


def read_blocks(text: str) -> Block:
    reader = BlockReader()
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()  # what follows the last line end is not a line
    for line in lines:
        reader.line(line)
    reader.close()
    return reader.root
