"""One line, of which the open containers take their part from the left. Tabs reach to the next fourth column."""

from __future__ import annotations

TAB = 4  # columns


class Line:
    __slots__ = ("blank", "column", "index", "text", "width")

    def __init__(self, text: str):
        self.column = 0  # of the first character that is left
        self._set(text)

    def _set(self, text: str) -> None:
        index = len(text) - len(text.lstrip(" \t"))
        self.text = text
        self.index = index  # of the first character that is no blank
        self.blank = index == len(text)
        self.width = columns(text[:index], self.column) if index else 0  # columns of blanks before it

    @property
    def rest(self) -> str:
        return self.text[self.index :]

    def without(self, count: int) -> str:
        """The text without up to ``count`` columns of blanks; a tab that is cut leaves the rest of it as spaces."""
        if self.width == self.index:  # every blank is one column
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
        """Go past the blanks and ``count`` characters of a marker."""
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
