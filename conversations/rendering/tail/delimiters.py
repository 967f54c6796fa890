"""Which runs of ``*``, ``_`` and ``~`` are open, near enough to what the pattern for emphasis will make of them."""

from __future__ import annotations

import re

from .verbatim import masked

Open = tuple[str, int]  # a mark and where it stands

RUN = re.compile(r"\*+|_+|~~+")


def take_delimiter(text: str, run: str, start: int, stack: list[Open]) -> None:
    """Let the run close what is open, and open what it does not close."""
    before, after = text[start - 1 : start] or " ", text[start + len(run) : start + len(run) + 1] or " "
    if (run[0] == "_" and before.isalnum() and after.isalnum()) or (run[0] == "~" and len(run) != 2):
        return
    opens, closes = not after.isspace(), not before.isspace()
    count = close(run, stack, opens=opens) if closes else len(run)
    if count and opens and not (closes and before.isalnum() and count == 1):
        stack.append((run[0] * count, start))


def close(run: str, stack: list[Open], *, opens: bool) -> int:
    """How many of its characters are left when it has closed what it can."""
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
    """Does the run at the text's end close something that is open?"""
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
