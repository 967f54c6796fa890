"""What a generation did with its time: phases that follow each other from its acceptance to its end."""

from __future__ import annotations

from datetime import datetime

from .generation import Generation, moments

# What a generation does from this moment on.
BEGINS = {
    "accepted": "queued",
    "claimed": "starting",
    "requested": "waiting",
    "first_token": "writing",
    "last_token": "finishing",
}
PHASES = tuple(BEGINS.values())


def phases_of(generation: Generation, end: datetime) -> list[tuple[str, float]]:
    """Each that it had, in order, with its seconds: together all the time until ``end``."""
    begun = beginnings(generation)
    untils = [*(moment for _, moment in begun[1:]), end]
    return [
        (phase, max((until - start).total_seconds(), 0.0)) for (phase, start), until in zip(begun, untils, strict=True)
    ]


def beginnings(generation: Generation) -> list[tuple[str, datetime]]:
    """Each phase with its beginning, in order of time. What has not ended does not finish yet."""
    begins = dict(BEGINS)
    if was_asked_again(generation):  # when it was asked for the first time is not known any more
        del begins["requested"]
        begins["claimed"] = "waiting"
    if generation.finished_at is None:
        del begins["last_token"]
    return [(begins[name], moment) for name, moment in moments(generation) if name in begins]


def was_asked_again(generation: Generation) -> bool:
    """Another model server, or another attempt, went on in the middle of the answer."""
    first, requested = generation.first_token_at, generation.requested_at
    return first is not None and requested is not None and requested > first
