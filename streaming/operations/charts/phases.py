"""The phases of one generation as a bar, in proportion to its whole duration."""

from __future__ import annotations

from dataclasses import dataclass

from conversations import site_time
from conversations.models import Generation
from conversations.models.generation.timeline import phases_of

WIDTH = 240  # of the bar, in its own units


@dataclass(frozen=True)
class Span:
    phase: str
    seconds: float
    x: float
    width: float


def spans_of(generation: Generation) -> list[Span]:
    """In order; empty if the generation took no time at all. An unfinished generation lasts until now."""
    phases = phases_of(generation, generation.ended_at or site_time.now())
    whole = sum(seconds for _, seconds in phases)
    spans: list[Span] = []
    x = 0.0
    for phase, seconds in phases if whole else ():
        width = WIDTH * seconds / whole
        spans.append(Span(phase, seconds, round(x, 2), round(width, 2)))
        x += width
    return spans
