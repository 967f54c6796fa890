"""The life of one generation as a picture: where its time went, drawn to the scale of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from conversations.models import Generation
from conversations.models.generation import moments

WIDTH = 240  # of the picture, in its own units
# What a generation does from this moment on.
BEGINS = {
    "accepted": "queued",
    "claimed": "starting",
    "requested": "waiting",
    "first_token": "writing",
    "last_token": "finishing",
}
PHASES = tuple(BEGINS.values())


@dataclass(frozen=True)
class Span:
    phase: str
    seconds: float
    x: float
    width: float


def spans_of(generation: Generation) -> list[Span]:
    """In order; empty if it took no time at all. One that has not ended lasts until now."""
    begun = beginnings(generation)
    end = generation.finished_at or timezone.now()
    whole = (end - begun[0][1]).total_seconds()
    if whole <= 0:
        return []
    spans: list[Span] = []
    x = 0.0
    for (phase, start), (_, until) in zip(begun, [*begun[1:], ("", end)], strict=True):
        seconds = max((until - start).total_seconds(), 0.0)
        width = WIDTH * seconds / whole
        spans.append(Span(phase, seconds, round(x, 2), round(width, 2)))
        x += width
    return spans


def beginnings(generation: Generation) -> list[tuple[str, datetime]]:
    """Each phase with its beginning, in order of time. What has not ended does not finish yet."""
    begins = dict(BEGINS)
    if was_asked_again(generation):  # when it was asked for the first time is not known any more
        del begins["requested"]
        begins["claimed"] = "waiting"
    if generation.finished_at is None:
        del begins["last_token"]
    known = sorted(moments(generation), key=lambda pair: pair[1])
    return [(begins[name], moment) for name, moment in known if name in begins]


def was_asked_again(generation: Generation) -> bool:
    """Another model server, or another attempt, went on in the middle of the answer."""
    first, requested = generation.first_token_at, generation.requested_at
    return first is not None and requested is not None and requested > first
