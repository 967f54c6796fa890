"""Splits a growing text progressively into the sources of finished top-level blocks."""

from __future__ import annotations

import re

from .blocks import BlockReader

LINE_END = re.compile(r"\r\n|\r|\n")


class Segmenter:
    """Splits a growing text into top-level blocks. A block that ``feed`` returned never changes.

    A piece costs time proportional to its length: each line is read once, when it is complete.
    """

    def __init__(self) -> None:
        self._reader = BlockReader()
        self._lines: list[str] = []  # of unfinished blocks
        self._sizes: list[int] = []  # characters of these lines as received, with their line ends
        self._first = 0  # line number of the first of them
        self._partial: list[str] = []  # pieces of the incomplete last line
        self._forgotten = 0

    def feed(self, delta: str) -> list[str]:
        """Adds text; returns the sources of the blocks that it finished."""
        self._partial.append(delta)
        if "\n" not in delta and "\r" not in delta and not self._waits_for_line_feed():
            return []
        text = "".join(self._partial)
        done: list[str] = []
        begun = 0
        for end in LINE_END.finditer(text):
            if end.group() == "\r" and end.end() == len(text):
                break  # the line feed may arrive with the next piece
            done += self._read(text[begun : end.start()], end.end() - begun)
            begun = end.end()
        self._partial = [text[begun:]]
        return done

    def finish(self) -> list[str]:
        """Ends the text; returns the sources of all blocks that were still open."""
        last = "".join(self._partial)
        self._partial = []
        done = self._read(last.removesuffix("\r"), len(last)) if last else []
        self._reader.close()
        return done + self._commit()

    @property
    def tail(self) -> str:
        """The source of the unfinished end."""
        return "\n".join([*self._lines, "".join(self._partial)])

    @property
    def tail_start(self) -> int:
        """How many characters of the received text are in finished blocks or blank lines between them."""
        return self._forgotten

    def _waits_for_line_feed(self) -> bool:
        return len(self._partial) > 1 and self._partial[-2].endswith("\r")

    def _read(self, line: str, size: int) -> list[str]:
        self._lines.append(line)
        self._sizes.append(size)
        self._reader.line(line)
        if len(self._reader.root.children) - (len(self._reader.path) > 1) > 0:
            return self._commit()
        if not self._reader.root.children:
            self._forget(self._reader.number + 1)  # blank lines between blocks
        return []

    def _commit(self) -> list[str]:
        children = self._reader.root.children
        count = len(children) - (len(self._reader.path) > 1)
        done = [self._source_of(block.start, block.end) for block in children[:count]]
        if count:
            self._forget(self._reader.number + 1 if count == len(children) else children[count].start)
            del children[:count]
        return done

    def _source_of(self, start: int, end: int) -> str:
        return "\n".join([*self._lines[start - self._first : end - self._first + 1], ""])

    def _forget(self, number: int) -> None:
        count = number - self._first
        if count > 0:
            self._forgotten += sum(self._sizes[:count])
            del self._lines[:count], self._sizes[:count]
            self._first = number


def segments(text: str) -> list[str]:
    segmenter = Segmenter()
    return segmenter.feed(text) + segmenter.finish()
