"""Sorts the lines of a question into code, tables, logs and prose."""

from __future__ import annotations

import re
from dataclasses import dataclass

FENCE = re.compile(r"\s*(?:```|~~~)")
LONGEST_LINE = 300  # characters that are matched
CODE = re.compile(
    r"""
    ^\s*(?:def|class|import|from\s+\w+\s+import|return|fn|func|function|const|let|var|public|private|static|struct|typedef
        |void|package|use|elif|else|try|except|catch|finally|while|for|if|with|SELECT|INSERT|UPDATE|CREATE)\b.*[:;{}()=]\s*$
    |^\s*(?:@\w|\#include|\#!/|</?\w+[^>]*>\s*$|//\s|\}|\]\)?;?\s*$)
    |[;{]\s*$
    |^\s*[\w.\[\]"']+\s*(?:=|\+=|-=|:=|=>)\s*\S
    |^\s+(?:return|yield|raise|pass|break|continue|await|print)\b
    |^\s*[\w.]+\([^)]*\)\s*$
    """,
    re.VERBOSE,
)
SNIPPET = re.compile(
    r"""
    `[^`\n]+` | => | \bfor\ \w+\ in\ \w+\( | \bdef\ \w+\( | \bprint\( | \b\w{2,40}\(\)
    |\b\w{1,40}\.\w{1,40}\([^)]{0,80}\) | \{[^{}\n;:(]{0,40}[;:(][^{}\n]{0,80}\}
    """,
    re.VERBOSE,
)
LOG = re.compile(
    r"""
    Traceback\ \(most\ recent
    |^\s+File\ "|^\s+at\ [\w.$]+\(
    |^\s*(?:\w+\.)*\w*(?:Error|Exception)\b[:(\ ]
    |^(?:ERROR|FATAL|FAILED|WARN|INFO|DEBUG)\b
    """,
    re.VERBOSE,
)
SEPARATORS = "|\t,;"


@dataclass
class Lines:
    code: int = 0
    table: int = 0
    log: int = 0
    snippets: int = 0  # code within prose
    prose: str = ""


def sorted_lines(text: str) -> Lines:
    found, prose, fenced = Lines(), list[str](), False
    lines = text.splitlines()
    tabular = table_lines(lines)
    for number, whole in enumerate(lines):
        line = whole[:LONGEST_LINE]
        if FENCE.match(line):
            fenced = not fenced
        elif LOG.search(line):
            found.log += 1
        elif fenced or (number not in tabular and CODE.search(line)):
            found.code += 1
        elif number in tabular:
            found.table += 1
        else:
            prose.append(whole)
    found.prose = "\n".join(prose)
    found.snippets = len(SNIPPET.findall(found.prose))
    return found


def table_lines(lines: list[str]) -> set[int]:
    """Returns the numbers of lines that have as many separators as the line before or after."""
    tabular: set[int] = set()
    for separator in SEPARATORS:
        counts = [line.count(separator) if not line.rstrip().endswith((".", ";", "{", "}")) else 0 for line in lines]
        for number in range(1, len(counts)):
            if counts[number] and counts[number] == counts[number - 1] and is_row(lines[number], counts[number]):
                tabular |= {number - 1, number}
    return tabular


def is_row(line: str, separators: int) -> bool:
    """Cells are short; sentences with commas are not."""
    return len(line.split()) <= 4 * (separators + 1)
