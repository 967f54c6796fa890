"""Low-confidence passages of an answer with their context, for a terminal with colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

AROUND = 40  # code units on either side of a passage
MOST = 12  # excerpts
DIM, PLAIN, UNSURE = "\033[2m", "\033[0m", "\033[33m"

Passage = Sequence[int]  # start and end, in UTF-16 code units of the text


def excerpts_of(text: str, spans: Iterable[Passage]) -> Iterator[str]:
    """One line per excerpt. Passages near each other share one."""
    groups = list(neighbours(spans))
    units = text.encode("utf-16-le", "surrogatepass")
    for group in groups[:MOST]:
        yield excerpt(units, group)
    if rest := sum(len(group) for group in groups[MOST:]):
        yield f"and {rest} more passage{'s' if rest > 1 else ''}"


def neighbours(spans: Iterable[Passage]) -> Iterator[list[Passage]]:
    group: list[Passage] = []
    for passage in spans:
        if group and passage[0] - group[-1][1] > 2 * AROUND:
            yield group
            group = []
        group.append(passage)
    if group:
        yield group


def excerpt(units: bytes, group: list[Passage]) -> str:
    begin, end = max(group[0][0] - AROUND, 0), group[-1][1] + AROUND
    pieces, at = ["… " if begin else ""], begin
    for start, stop in group:
        pieces += [piece(units, at, start), f"{PLAIN}{UNSURE}", piece(units, start, stop), f"{PLAIN}{DIM}"]
        at = stop
    pieces += [piece(units, at, end), " …" if 2 * end < len(units) else ""]
    return " ".join("".join(pieces).split())


def piece(units: bytes, begin: int, end: int) -> str:
    """Drops half a surrogate pair at the edges."""
    return units[2 * begin : 2 * end].decode("utf-16-le", "ignore")
