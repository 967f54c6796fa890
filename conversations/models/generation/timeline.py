"""A generation's timeline: its times, and its consecutive phases since acceptance."""

from __future__ import annotations

from datetime import datetime

from .generation import Generation

PHASES = ("queued", "starting", "waiting", "writing", "finishing")


def moments(generation: Generation) -> list[tuple[str, datetime]]:
    """The known times, by the field's name without ``_at``, in order of time.

    Includes ``first_requested`` only if a later request followed.
    """
    names = (
        "accepted",
        "dispatched",
        "claimed",
        *(() if generation.first_requested_at == generation.requested_at else ("first_requested",)),
        "requested",
        "first_token",
        "last_token",
        "stop_requested",
        "upstream_ended",
        "finished",
    )
    known = [(name, moment) for name in names if (moment := getattr(generation, f"{name}_at"))]
    return sorted(known, key=lambda pair: pair[1])


def phases_of(generation: Generation, end: datetime) -> list[tuple[str, float]]:
    """The phases in order, with their seconds, which add up to the time from acceptance to ``end``."""
    begun = beginnings(generation)
    untils = [*(moment for _, moment in begun[1:]), end]
    return [
        (phase, max((until - start).total_seconds(), 0.0)) for (phase, start), until in zip(begun, untils, strict=True)
    ]


def beginnings(generation: Generation) -> list[tuple[str, datetime]]:
    """Each phase with its beginning, in order of time. An unfinished generation has no finishing phase."""
    asked = first_request(generation)
    begins = [
        ("queued", generation.accepted_at),
        ("starting" if asked or generation.requested_at is None else "waiting", generation.claimed_at),
        ("waiting", asked),
        ("writing", generation.first_token_at),
        ("finishing", generation.last_token_at if generation.finished_at else None),
    ]
    return sorted([(phase, moment) for phase, moment in begins if moment], key=lambda pair: pair[1])


def first_request(generation: Generation) -> datetime | None:
    """The time of the first request to a model server, by any attempt. None before it, or if it is unknown: an attempt
    may have died before it stored the time."""
    first, latest = generation.first_requested_at or generation.requested_at, generation.requested_at
    if generation.attempt > 1 and first == latest:
        return None
    is_late = first is not None and generation.first_token_at is not None and first > generation.first_token_at
    return None if is_late else first
