"""Lag against streams, as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from .figures import Result

WIDTH, HEIGHT, MARGIN = 640, 360, 56
TICKS = 5
ROUND = (1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10)
CURVES = {  # by the figure's name: label, colour
    "lag p50": ("p50", "#2a78b8"),
    "lag p95": ("p95", "#c2571a"),
    "lag p99": ("p99", "#8a3aa8"),
    "lag p95, floor": ("p95, model server alone", "#777777"),
}

Point = tuple[float, float]


def plot(result: Result) -> str:
    curves = {name: sorted(result.series(name)) for name in CURVES}
    points = [point for curve in curves.values() for point in curve]
    most = round_number(max((x for x, _ in points), default=1)), round_number(max((y for _, y in points), default=1))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f"<title>{escape(f'Token lag by number of streams, {result.at}')}</title>",
        *axes(most),
        *(line for number, name in enumerate(CURVES) for line in drawn(number, name, curves[name], most)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def round_number(value: float) -> float:
    """The next one above that divides well into five."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(step * unit for step in ROUND if step * unit >= value)


def axes(most: Point) -> Iterator[str]:
    for tick in range(TICKS + 1):
        x, y = place((most[0] * tick / TICKS, most[1] * tick / TICKS), most)
        yield f'<path d="M{MARGIN} {y:.1f}H{WIDTH - MARGIN}" stroke="#ddd"/>'
        yield f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{most[1] * tick / TICKS:,.4g}</text>'
        yield f'<text x="{x:.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{most[0] * tick / TICKS:.0f}</text>'
    yield f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">streams</text>'
    yield f'<text x="{MARGIN}" y="24" text-anchor="middle">lag, ms</text>'


def drawn(number: int, name: str, curve: Sequence[Point], most: Point) -> Iterator[str]:
    label, colour = CURVES[name]
    places = [place(point, most) for point in curve]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
    yield f'<text x="{MARGIN + 12}" y="{MARGIN + 16 * number}" fill="{colour}">{label}</text>'


def place(point: Point, most: Point) -> Point:
    across, up = point[0] / most[0], point[1] / most[1]
    return MARGIN + across * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN)
