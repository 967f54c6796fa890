"""Closes marks that are open at the end of an unfinished text, and holds back an end that may become a mark."""

from __future__ import annotations

import re

from conversations.rendering.inline import BracketPairs

from .verbatim import Masked, masked

Open = tuple[str, int]  # a mark and its position

MARK = re.compile(r"!?\[|\*+|_+|~~+|<(/?)(sub|sup|kbd|mark|u|ins|small|b|i)>|<(?:https?://|mailto:)[^\s<>]*$", re.I)

# Ends of a text that are held back: marks, and the beginnings of entities, tags and addresses.
UNDECIDED_END = re.compile(
    r"(?:[*]+|_+|~+|`+|\$+|[!\\\[<]|&\#?\w{0,12}|<[A-Za-z/][^\s<>]{0,120}"
    r"|(?:https?://|\bwww\.)[^\s/.]*(?:\.\w?)?|\bh(?:t(?:t(?:p(?:s?(?::/?/?)?)?)?)?)?|\bww?w?\.?)$",
)
LONGEST_END = 200  # characters
UNFINISHED_ADDRESS = re.compile(
    r"""\]\((?:[^()\s\\]|\\.|\([^()\s]*(?:\)|$))*+(?:[ \t\n]+(?:"[^"]*+"?|'[^']*+'?)?[ \t\n]*)?$""",
)
PARENTHESIS = re.compile(r"[()]")
RUN = re.compile(r"\*+|_+|~~+")
LINK_TEXT_WORTH_WAITING = 160  # characters


def closed(text: str) -> str:
    """Returns the text with its open marks closed, and without an undecided end."""
    decided = without_undecided_end(text.rstrip(" \t"))
    settled = masked(decided)
    # An open end was cut off; now the text before it may end undecided.
    if settled.text != decided and not settled.closing:
        settled = masked(without_undecided_end(settled.text))
    return OpenText(settled).closed()


def without_undecided_end(text: str) -> str:
    for _ in range(8):
        end = UNDECIDED_END.search(text, max(0, len(text) - LONGEST_END))
        if not end or is_decided(text, end.start()):
            break
        text = text[: end.start()].rstrip(" \t")
    return text


def is_decided(text: str, start: int) -> bool:
    """Whether the end may be shown at once: it closes something that is open."""
    end = text[start:]
    if end.strip("$") == "":
        return text.count("$") % 2 == 0
    return end.strip(end[0]) == "" and end[0] in "*_~`" and closes_something(text, start)


class OpenText:
    """Walks through the marks of a text and tracks the open ones."""

    def __init__(self, settled: Masked):
        self.text = settled.text
        self.masked = settled.masked  # code, mathematics and escapes replaced by filler of the same length
        self.closing = settled.closing
        self.open: list[Open] = []
        self.position = 0
        self.cut = False
        self.pairs = BracketPairs()

    def closed(self) -> str:
        while not self.cut and (mark := MARK.search(self.masked, self.position)):
            self.position = mark.end()
            self._take(mark)
        for opened, start in reversed(self.open):
            self._close(opened, start)
        return self.text + self.closing

    def _take(self, mark: re.Match[str]) -> None:
        token = mark.group()
        if token.endswith("["):
            self._take_bracket(token, mark.start())
        elif mark.group(2):
            self._take_tag(mark)
        elif token[0] == "<":  # the beginning of an address in angle brackets
            self._cut_at(mark.start())
        else:
            take_delimiter(self.masked, token, mark.start(), self.open)

    def _take_bracket(self, token: str, start: int) -> None:
        closing = self.pairs.closing(self.masked, self.position - 1)
        if closing is None:
            if len(self.text) - self.position < LINK_TEXT_WORTH_WAITING:
                self._cut_at(start)
            return
        after = self.masked[closing + 1 : closing + 2]
        begins_line = start == 0 or self.masked[start - 1] == "\n"
        if not after or (after == ":" and begins_line):  # what follows is unknown, or it is a definition
            self._cut_at(start)
        elif after == "(":
            self._take_address(token, start, closing)
        elif after == "[":
            end = self.masked.find("]", closing + 2)
            self.position = end + 1
            if end < 0:
                self._cut_at(start)

    def _take_address(self, token: str, start: int, closing: int) -> None:
        """While its address arrives, a link leads nowhere, and an image is not shown."""
        if not UNFINISHED_ADDRESS.match(self.masked, closing):
            self.position = end_of_parenthesis(self.masked, closing + 2) or self.position
        elif token == "![":
            self._cut_at(start)
        else:
            self.text = self.text[: closing + 1] + "(#)"
            self.masked = self.masked[: closing + 1] + "(#)"
            self.position = len(self.masked)
            self.closing = ""

    def _take_tag(self, mark: re.Match[str]) -> None:
        opening = f"<{mark.group(2).lower()}>"
        if not mark.group(1):
            self.open.append((opening, mark.start()))
            return
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index][0] == opening:
                del self.open[index:]
                return

    def _cut_at(self, start: int) -> None:
        self.text = self.text[:start].rstrip(" \t")
        self.closing = ""
        self.cut = True

    def _close(self, mark: str, start: int) -> None:
        text = self.text + self.closing
        self.closing = ""
        if start + len(mark) >= len(text.rstrip()):  # nothing follows the mark yet
            self.text = text[:start].rstrip(" \t")
        elif mark[0] == "<":
            self.text = text + "</" + mark[1:]
        else:
            self.text = text.rstrip(" \t\n") + mark


def end_of_parenthesis(text: str, position: int) -> int | None:
    depth = 1
    for found in PARENTHESIS.finditer(text, position):
        depth += 1 if found.group() == "(" else -1
        if not depth:
            return found.end()
    return None


# Which runs of ``*``, ``_`` and ``~`` are open: a close approximation of the emphasis pattern


def take_delimiter(text: str, run: str, start: int, stack: list[Open]) -> None:
    """Closes what the run can close; characters left over open a new mark if they can."""
    before, after = text[start - 1 : start] or " ", text[start + len(run) : start + len(run) + 1] or " "
    if (run[0] == "_" and before.isalnum() and after.isalnum()) or (run[0] == "~" and len(run) != 2):
        return
    opens, closes = not after.isspace(), not before.isspace()
    count = close(run, stack, opens=opens) if closes else len(run)
    if count and opens and not (closes and before.isalnum() and count == 1):
        stack.append((run[0] * count, start))


def close(run: str, stack: list[Open], *, opens: bool) -> int:
    """Closes what the run can close; returns how many of its characters are left."""
    count = len(run)
    while count:
        index = last_of(run[0], stack)
        if index is None:
            break
        mark, start = stack[index]
        if len(mark) > count:
            stack[index] = (mark[count:], start)
            del stack[index + 1 :]
            return 0
        if len(mark) == 1 and count == 2 and opens:
            break
        count -= len(mark)
        del stack[index:]
    return count


def last_of(char: str, stack: list[Open]) -> int | None:
    return next((index for index in range(len(stack) - 1, -1, -1) if stack[index][0][0] == char), None)


def closes_something(text: str, start: int) -> bool:
    """Whether the run at the text's end closes something that is open."""
    run = text[start:]
    if start == 0 or text[start - 1].isspace() or run == "~":
        return False
    if run[0] == "`":
        return masked(text).closing == "" and masked(text[:start]).closing == run
    before = masked(text[:start]).masked
    stack: list[Open] = []
    for found in RUN.finditer(before):
        take_delimiter(before + run, found.group(), found.start(), stack)
    return sum(len(mark) for mark, _ in stack if mark[0] == run[0]) >= len(run)
