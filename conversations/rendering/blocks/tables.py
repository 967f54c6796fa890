"""GitHub's tables: a head row, a delimiter row, rows of cells."""

from __future__ import annotations

import re

MOST_COLUMNS = 100  # a wider delimiter row does not make a table
# In a table. Beyond, short rows are not filled up: a few characters could otherwise demand millions of cells.
MOST_CELLS = 10_000

DELIMITER_ROW = re.compile(r"\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*+$")
MARK = re.compile(r"`+|\\[()]|(?<!\\)\$+")
CLOSING = {"\\(": "\\)"}
MASKED_PIPE = "\x02"  # CleanText has removed this character from texts
CELL = re.compile(r"((?:[^|\\]|\\.?)*+)(?:\||$)")


def cells(row: str, columns: int | None = None) -> list[str]:
    """Pipes in code and formulas separate cells, as on GitHub, unless that gives more than ``columns`` cells."""
    found = split(row)
    if columns is None or len(found) <= columns:
        return found
    return [cell.replace(MASKED_PIPE, "|") for cell in split(with_masked_pipes(row))]


def split(row: str) -> list[str]:
    row = row.strip().removeprefix("|")
    found: list[str] = []
    for match in CELL.finditer(row):
        found.append(match.group(1).strip().replace("\\|", "|"))
        if match.end() == match.end(1):
            break
    if len(found) > 1 and not found[-1] and row.endswith("|"):
        found.pop()
    return found


def with_masked_pipes(row: str) -> str:
    """Replaces each pipe in code or a formula by MASKED_PIPE, in linear time."""
    marks = list(MARK.finditer(row))
    last = {mark.group(): mark.start() for mark in marks}
    masked, position = "", 0
    opening: re.Match[str] | None = None
    for mark in marks:
        if opening is None:
            closing = CLOSING.get(mark.group(), mark.group())
            opening = mark if last.get(closing, -1) > mark.start() else None
        elif mark.group() == CLOSING.get(opening.group(), opening.group()):
            inside = row[opening.start() : mark.start()]
            if inside[0] == "`":
                inside = inside.replace("\\|", "|")  # in a formula, \| means two bars
            masked += row[position : opening.start()] + inside.replace("|", MASKED_PIPE)
            position, opening = mark.start(), None
    return masked + row[position:]


def columns_below(heads: str, line: str) -> list[str | None] | None:
    """Returns the alignments of the table that ``heads`` and ``line`` begin; None if they do not begin one."""
    if line[0] not in "|:-" or not DELIMITER_ROW.match(line):
        return None
    if "|" not in line and "|" not in heads and ":" not in line:
        return None
    marks = cells(line)
    if len(marks) > MOST_COLUMNS or len(cells(heads, len(marks))) != len(marks):
        return None
    return [alignment(mark) for mark in marks]


def alignment(mark: str) -> str | None:
    if mark.startswith(":"):
        return "center" if mark.endswith(":") else "left"
    return "right" if mark.endswith(":") else None


def row_of(line: str, columns: int, rows: int) -> list[str]:
    """Returns the cells of the next row of a table that already has ``rows`` rows."""
    found = cells(line, columns)[:columns]
    if columns * rows < MOST_CELLS:
        found += [""] * (columns - len(found))
    return found
