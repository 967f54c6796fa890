"""Results as text: figures beside their targets, or two runs beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .figures import Figure, Result
from .targets import target_of

MISSED = "!"


def table(result: Result) -> Iterator[str]:
    yield f"{result.at} · {result.machine}"
    yield result.options
    series = [figure for figure in result.figures if figure.streams is not None]
    yield from aligned([("one by one", "", "target"), *(row_of(f) for f in result.figures if f.streams is None)])
    if series:
        yield from aligned(rows_of(series))
    yield f"{MISSED} misses its target."


def row_of(figure: Figure) -> tuple[str, ...]:
    target = target_of(figure)
    return named(figure), shown(figure), str(target or "")


def rows_of(series: list[Figure]) -> Iterator[tuple[str, ...]]:
    """One column for each number of streams."""
    numbers = sorted({figure.streams for figure in series if figure.streams is not None})
    yield ("by number of streams", *map(str, numbers), "target")
    for name in dict.fromkeys(figure.name for figure in series):
        known = {figure.streams: figure for figure in series if figure.name == name}
        cells = [shown(known[number]) if number in known else "" for number in numbers]
        yield (named(next(iter(known.values()))), *cells, ", ".join(targets_of(known.values())))


def targets_of(figures: Iterable[Figure]) -> Iterator[str]:
    for figure in figures:
        if target := target_of(figure):
            yield f"{target} at {figure.streams}"


def named(figure: Figure) -> str:
    return f"{figure.name} ({figure.unit})" if figure.unit else figure.name


def shown(figure: Figure) -> str:
    target = target_of(figure)
    return rounded(figure.value) + (MISSED if target and not target.is_met(figure) else "")


def rounded(value: float) -> str:
    """Three digits that count, and all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def comparison(before: Result, now: Result) -> Iterator[str]:
    earlier = {figure.key: figure for figure in before.figures}
    yield f"Compared with {before.at} · {before.machine}"
    if before.options != now.options:
        yield f"which was made with other options: {before.options}"
    both = [(earlier[figure.key], figure) for figure in now.figures if figure.key in earlier]
    yield from aligned([("figure", "streams", "then", "now", "change"), *(changed(old, new) for old, new in both)])


def changed(old: Figure, new: Figure) -> tuple[str, ...]:
    share = f"{(new.value / old.value - 1) * 100:+.0f} %" if old.value > 0 else ""
    return named(new), str(new.streams or ""), rounded(old.value), rounded(new.value), share


def aligned(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Names to the left, all else to the right; the first row is the head."""
    lines = list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    yield ""
    for number, (name, *cells) in enumerate(lines):
        yield "  ".join([name.ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells, widths[1:], strict=True))]).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)
