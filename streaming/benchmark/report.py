"""Formats results: a table of figures and targets, a comparison of two runs, and lag by streams as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from html import escape

from .figures import Figure, Result

MISSED = "!"
WIDTH, HEIGHT, MARGIN = 640, 360, 56
TICKS = 5
ROUND = (1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10)
CURVES = {  # figure's name → label, colour
    "lag p50": ("p50", "#2a78b8"),
    "lag p95": ("p95", "#c2571a"),
    "lag p99": ("p99", "#8a3aa8"),
    "lag p95, floor": ("p95, model server alone", "#777777"),
}


# Tables


def table(result: Result) -> Iterator[str]:
    yield f"{result.at} · {result.machine}"
    yield result.options
    single = [figure for figure in result.figures if figure.streams is None]
    series = [figure for figure in result.figures if figure.streams is not None]
    rows = [(label(f), shown(f), "" if f.target is None else f"≤ {f.target:g}") for f in single]
    yield from aligned([("one by one", "", "target"), *rows])
    if series:
        yield from aligned(rows_by_streams(series))
    yield f"{MISSED} misses its target."


def rows_by_streams(series: list[Figure]) -> Iterator[tuple[str, ...]]:
    """Yields rows with one column per number of streams."""
    numbers = sorted({figure.streams or 0 for figure in series})
    yield ("by number of streams", *map(str, numbers), "target")
    for name in dict.fromkeys(figure.name for figure in series):
        found = {figure.streams: figure for figure in series if figure.name == name}
        cells = [shown(found[number]) if number in found else "" for number in numbers]
        targets = [f"≤ {f.target:g} at {f.streams}" for f in found.values() if f.target is not None]
        yield (label(next(iter(found.values()))), *cells, ", ".join(targets))


def comparison(before: Result, now: Result) -> Iterator[str]:
    yield f"Compared with {before.at} · {before.machine}"
    if before.options != now.options:
        yield f"which was made with other options: {before.options}"
    earlier = {figure.key: figure.value for figure in before.figures}
    rows = [("figure", "streams", "then", "now", "change")]
    for figure in now.figures:
        if (old := earlier.get(figure.key)) is not None:
            change = f"{(figure.value / old - 1) * 100:+.0f} %" if old > 0 else ""
            rows.append((label(figure), str(figure.streams or ""), rounded(old), rounded(figure.value), change))
    yield from aligned(rows)


def label(figure: Figure) -> str:
    return f"{figure.name} ({figure.unit})" if figure.unit else figure.name


def shown(figure: Figure) -> str:
    is_missed = figure.target is not None and figure.value > figure.target
    return rounded(figure.value) + (MISSED if is_missed else "")


def rounded(value: float) -> str:
    """Keeps three significant digits, and all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def aligned(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Aligns names left and everything else right; the first row is the head."""
    lines = list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    yield ""
    for number, (name, *cells) in enumerate(lines):
        yield "  ".join([name.ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells, widths[1:], strict=True))]).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


# The plot


def plot(result: Result) -> str:
    curves = {name: result.series(name) for name in CURVES}
    points = [point for curve in curves.values() for point in curve] or [(1, 1.0)]
    most_x, most_y = (round_number(max(values)) for values in zip(*points, strict=True))

    def x(streams: float) -> float:
        return MARGIN + streams / most_x * (WIDTH - 2 * MARGIN)

    def y(lag: float) -> float:
        return HEIGHT - MARGIN - lag / most_y * (HEIGHT - 2 * MARGIN)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f"<title>{escape(f'Token lag by number of streams, {result.at}')}</title>",
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">streams</text>',
        f'<text x="{MARGIN}" y="24" text-anchor="middle">lag, ms</text>',
    ]
    for tick in range(TICKS + 1):
        streams, lag = most_x * tick / TICKS, most_y * tick / TICKS
        lines += [
            f'<path d="M{MARGIN} {y(lag):.1f}H{WIDTH - MARGIN}" stroke="#ddd"/>',
            f'<text x="{MARGIN - 6}" y="{y(lag) + 4:.1f}" text-anchor="end">{lag:,.4g}</text>',
            f'<text x="{x(streams):.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{streams:.0f}</text>',
        ]
    for number, (name, (text, colour)) in enumerate(CURVES.items()):
        places = [f"{x(streams):.1f},{y(lag):.1f}" for streams, lag in curves[name]]
        lines += [
            f'<polyline points="{" ".join(places)}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<text x="{MARGIN + 12}" y="{MARGIN + 16 * number}" fill="{colour}">{text}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def round_number(value: float) -> float:
    """Rounds up to a number that divides well into five ticks."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(step * unit for step in ROUND if step * unit >= value)
