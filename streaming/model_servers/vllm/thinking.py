"""Separates thinking from the answer if a server has no reasoning parser.

Such a server sends `<think>…</think>` in the text, or only `</think>` if the chat template opened the thinking.
"""

from __future__ import annotations

from enum import Enum, auto

OPEN, CLOSE = "<think>", "</think>"
FENCE = "```"
MOST_BLANKS = 200  # whitespace held back at the beginning
MOST_MENTIONS = 20  # of `</think>` in code; for each, all text before it is scanned


class Where(Enum):
    BEFORE = auto()  # only whitespace so far
    THINKING = auto()
    ANSWER = auto()


class ThinkSplitter:
    """Takes text as it arrives. `<think>` counts only at the very beginning of an answer; later it is just text.

    The first `</think>` without a `<think>` means that all text before it was thinking, though it looked like the
    answer: then ``was_thinking`` is true. It is ignored in code, and after a `<think>` that is just text.
    """

    def __init__(self, begun: str = "", *, is_told: bool = False):
        """``begun``: the text so far. ``is_told``: the thinking is already known, by the server or by its tags."""
        self.was_thinking = False
        self._where = Where.ANSWER if begun else Where.BEFORE
        self._held = ""  # may become a tag
        self._said = [begun]  # the answer, while it may turn out to be thinking
        self._may_turn = not is_told
        self._mentions = 0

    def feed(self, text: str) -> tuple[str, str]:
        """Returns the (thinking, answer) that is certain now."""
        self._held += text
        if self._where is Where.ANSWER and not self._may_turn:
            return self.finish()
        match self._where:
            case Where.BEFORE:
                return self._begin()
            case Where.THINKING:
                return self._think()
            case Where.ANSWER:
                return self._answer()

    def finish(self) -> tuple[str, str]:
        """Returns the (thinking, answer) that was held back."""
        held, self._held = self._held, ""
        return (held, "") if self._where is Where.THINKING else ("", held)

    def trust(self) -> None:
        """Called when the server itself separates thinking."""
        self._may_turn = False

    def _begin(self) -> tuple[str, str]:
        start = self._held.lstrip()
        if start.startswith(OPEN):
            self._where, self._held = Where.THINKING, start[len(OPEN) :]
            return self._think()
        if OPEN.startswith(start) and len(self._held) < MOST_BLANKS:
            return "", ""
        self._where = Where.ANSWER
        return self._answer() if self._may_turn else self.finish()

    def _think(self) -> tuple[str, str]:
        thinking, tag, answer = self._held.partition(CLOSE)
        if tag:
            self._where, self._held, self._may_turn = Where.ANSWER, "", False
            return thinking, answer
        return self._let_go(), ""

    def _answer(self) -> tuple[str, str]:
        at = self._held.find(CLOSE)
        while at >= 0:
            before = "".join(self._said) + self._held[:at]
            if OPEN in before or self._mentions == MOST_MENTIONS:
                self._end_doubt()
                return self.finish()
            if not is_in_code(before):
                thinking, answer = self._held[:at], self._held[at + len(CLOSE) :]
                self._held, self.was_thinking = "", True
                self._end_doubt()
                return thinking, answer
            self._mentions += 1
            at = self._held.find(CLOSE, at + 1)
        said = self._let_go()
        self._said.append(said)
        return "", said

    def _let_go(self) -> str:
        """Returns all but a possible beginning of the closing tag."""
        at = self._held.rfind("<", -len(CLOSE) + 1)
        at = at if at >= 0 and CLOSE.startswith(self._held[at:]) else len(self._held)
        certain, self._held = self._held[:at], self._held[at:]
        return certain

    def _end_doubt(self) -> None:
        self._may_turn = False
        self._said.clear()


def is_in_code(before: str) -> bool:
    """True if what follows this text is in a code block or in inline code."""
    return before.count(FENCE) % 2 == 1 or before.rpartition("\n")[2].count("`") % 2 == 1


def split(text: str) -> tuple[str, str]:
    """Returns the (thinking, answer) of a whole text."""
    splitter = ThinkSplitter()
    thinking, answer = splitter.feed(text)
    more_thinking, more_answer = splitter.finish()
    return thinking + more_thinking, answer + more_answer
