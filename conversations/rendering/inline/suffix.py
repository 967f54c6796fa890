"""Caches what is known about the rest of a text; it stays true while only the text before it changes.

Python-Markdown puts placeholders into the text from left to right, so places are counted from the end. Without this
cache, each of many unclosed brackets would be searched for up to the end: quadratic time.
"""

from __future__ import annotations

import re

BRACKET = re.compile(r"[\[\]]")


class KnownSuffix:
    def __init__(self) -> None:
        self._text = ""
        self.places: dict[int, int] = {}  # places are characters up to the end of the text

    def know(self, data: str, begin: int) -> None:
        rest = data[begin:]
        if not self._text.endswith(rest) or not rest:
            self._text = rest
            self.places = {}
            self.read(rest)

    def read(self, text: str) -> None:
        """Fills ``places``."""
        raise NotImplementedError


class BracketPairs(KnownSuffix):
    def closing(self, data: str, opening: int) -> int | None:
        """Returns where the bracket at ``opening`` is closed; None if it is not."""
        self.know(data, opening)
        place = self.places.get(len(data) - opening)
        return None if place is None else len(data) - place

    def read(self, text: str) -> None:
        opened: list[int] = []
        for bracket in BRACKET.finditer(text):
            if bracket.group() == "[":
                opened.append(len(text) - bracket.start())
            elif opened:
                self.places[opened.pop()] = len(text) - bracket.start()
