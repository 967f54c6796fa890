"""GitHub's tables: a row of heads, a row of dashes, rows of cells."""

from __future__ import annotations

import re

MOST_COLUMNS = 100  # a wider row of dashes makes no table
MOST_CELLS = 10_000  # in a table; beyond, short rows stay short, or a few characters could ask for millions of cells

DELIMITER_ROW = re.compile(r"\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*+$")
TICKS = re.compile(r"\\.|`+")
PIPE_IN_CODE = "\x02"  # which no text has any more
CELL = re.compile(r"((?:[^|\\]|\\.?)*+)(?:\||$)")


def cells(row: str, columns: int | None = None) -> list[str]:
    """Pipes in code separate cells, as GitHub has it, unless that makes more than ``columns`` of them."""
    found = split(row)
    if columns is None or len(found) <= columns or "`" not in row:
        return found
    return [cell.replace(PIPE_IN_CODE, "|") for cell in split(with_code_masked(row))]


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


def with_code_masked(row: str) -> str:
    """With another character for each pipe in a code span. Each run of backticks is looked at once."""
    runs = [(run.start(), len(run.group())) for run in TICKS.finditer(row) if run.group()[0] == "`"]
    last = {length: start for start, length in runs}
    masked, position = "", 0
    opening: tuple[int, int] | None = None
    for start, length in runs:
        if opening is None:
            opening = (start, length) if last[length] > start else None
        elif length == opening[1]:
            masked += row[position : opening[0]] + row[opening[0] : start].replace("|", PIPE_IN_CODE)
            position, opening = start, None
    return masked + row[position:]


def columns_below(heads: str, line: str) -> list[str | None] | None:
    """The alignments of a table whose row of dashes is ``line``; None if the two lines begin no table."""
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
    """The cells of one more row of a table that has ``rows`` already."""
    found = cells(line, columns)[:columns]
    if columns * rows < MOST_CELLS:
        found += [""] * (columns - len(found))
    return found
