"""Tells thinking from the answer where a server has no reasoning parser and sends `<think>…</think>` in the text."""

from __future__ import annotations

from enum import Enum, auto

OPEN, CLOSE = "<think>", "</think>"


class Where(Enum):
    BEFORE = auto()  # nothing but blanks so far
    THINKING = auto()
    ANSWER = auto()


class ThinkSplitter:
    """Feeds on text as it arrives. A tag counts only at the very beginning of an answer; later it is just text."""

    def __init__(self, *, in_answer: bool = False):
        self._where = Where.ANSWER if in_answer else Where.BEFORE
        self._held = ""  # could still become a tag

    def feed(self, text: str) -> tuple[str, str]:
        """(thinking, answer) of what is certain now."""
        if self._where is Where.ANSWER:
            return "", text
        self._held += text
        if self._where is Where.BEFORE:
            return self._begin()
        return self._think()

    def finish(self) -> tuple[str, str]:
        """(thinking, answer) of what was held back."""
        held, self._held = self._held, ""
        return (held, "") if self._where is Where.THINKING else ("", held)

    def _begin(self) -> tuple[str, str]:
        start = self._held.lstrip()
        if start.startswith(OPEN):
            self._where, self._held = Where.THINKING, start[len(OPEN) :]
            return self._think()
        if OPEN.startswith(start):
            return "", ""
        self._where = Where.ANSWER
        return self.finish()

    def _think(self) -> tuple[str, str]:
        thinking, tag, answer = self._held.partition(CLOSE)
        if tag:
            self._where, self._held = Where.ANSWER, ""
            return thinking, answer
        keep = next((n for n in range(len(CLOSE) - 1, 0, -1) if self._held.endswith(CLOSE[:n])), 0)
        thinking, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return thinking, ""
