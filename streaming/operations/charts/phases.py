"""The life of one generation as a picture: where its time went, drawn to the scale of the whole."""

from __future__ import annotations

from dataclasses import dataclass

from conversations import site_time
from conversations.models import Generation
from conversations.models.generation.timeline import phases_of

WIDTH = 240  # of the picture, in its own units


@dataclass(frozen=True)
class Span:
    phase: str
    seconds: float
    x: float
    width: float


def spans_of(generation: Generation) -> list[Span]:
    """In order; empty if it took no time at all. One that has not ended lasts until now."""
    phases = phases_of(generation, generation.ended_at or site_time.now())
    whole = sum(seconds for _, seconds in phases)
    spans: list[Span] = []
    x = 0.0
    for phase, seconds in phases if whole else ():
        width = WIDTH * seconds / whole
        spans.append(Span(phase, seconds, round(x, 2), round(width, 2)))
        x += width
    return spans
