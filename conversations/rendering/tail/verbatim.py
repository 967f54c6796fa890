"""Masks what is taken literally in an unfinished text: code, mathematics and escapes, closed or still open."""

from __future__ import annotations

import re
from typing import NamedTuple

from conversations.rendering.inline import LastTicks

VERBATIM = re.compile(r"\\.|\\$|`+|\$\$?", re.DOTALL)
FILLER = "."  # neither a letter nor a blank, like the marks that it replaces
LONGEST_MATH = 400  # characters; longer open mathematics is not held back
LONGEST_DOLLARS = 60
BEGINS_MATH = re.compile(r"[A-Za-z\\{(][^\n]*$")


class Masked(NamedTuple):
    text: str  # without an undecided end
    masked: str  # of the same length, with filler for what is taken literally
    closing: str  # closes the code in which the text ends


class Verbatim(NamedTuple):
    end: int | None  # None: not closed
    closing: str = ""  # closes open code; if empty, the open end is held back


def masked(text: str) -> Masked:
    pieces: list[str] = []
    position = 0
    ticks = LastTicks()
    while begin := VERBATIM.search(text, position):
        pieces.append(text[position : begin.start()])
        end, closing = read(text, begin, ticks)
        if end is None and closing:
            text = text.rstrip("`")
            return Masked(text, "".join(pieces) + FILLER * (len(text) - begin.start()), closing)
        if end is None:
            text = text[: begin.start()].rstrip(" \t")
            return Masked(text, "".join(pieces)[: len(text)], "")
        pieces.append(FILLER * (end - begin.start()))
        position = end
    return Masked(text, "".join(pieces) + text[position:], "")


def read(text: str, begin: re.Match[str], ticks: LastTicks) -> Verbatim:
    match begin.group()[0]:
        case "`":
            return read_code(text, begin, ticks)
        case "$":
            return read_dollars(text, begin)
    return read_escape(text, begin)


def read_code(text: str, begin: re.Match[str], ticks: LastTicks) -> Verbatim:
    mark = begin.group()
    closing = ticks.closing(text, begin)
    if closing is not None:
        return Verbatim(closing + len(mark))
    after = text[begin.end() : begin.end() + 1]
    has_code = after not in ("", "\n", "`") and (after != " " or len(mark) > 1)
    return Verbatim(None, mark) if has_code else Verbatim(begin.end())


def read_escape(text: str, begin: re.Match[str]) -> Verbatim:
    closing = {"\\(": "\\)", "\\[": "\\]"}.get(begin.group())
    if closing is None:
        return Verbatim(begin.end())
    end = text.find(closing, begin.end())
    if end >= 0:
        return Verbatim(end + 2)
    return Verbatim(None if len(text) - begin.start() < LONGEST_MATH else begin.end())


def read_dollars(text: str, begin: re.Match[str]) -> Verbatim:
    mark = begin.group()
    end = text.find(mark, begin.end())
    if end >= 0:
        is_math = mark == "$$" or is_dollar_math(text, begin.end(), end)
        return Verbatim(end + len(mark) if is_math else begin.end())
    rest = len(text) - begin.end()
    waits = mark == "$$" or (rest < LONGEST_DOLLARS and BEGINS_MATH.match(text, begin.end()))
    return Verbatim(None if waits and rest < LONGEST_MATH else begin.end())


def is_dollar_math(text: str, begin: int, end: int) -> bool:
    return not text[begin].isspace() and not text[end - 1].isspace() and not text[end + 1 : end + 2].isdigit()
