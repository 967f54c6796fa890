"""What a generation did with its time: its moments, and its phases, which follow each other from its acceptance on."""

from __future__ import annotations

from datetime import datetime

from .generation import Generation

PHASES = ("queued", "starting", "waiting", "writing", "finishing")


def moments(generation: Generation) -> list[tuple[str, datetime]]:
    """The moments of its life that have come, by the field's name without ``_at``; the earliest first.

    The first request is only among them if there was another.
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
    """Each that it had, in order, with its seconds: together all the time until ``end``."""
    begun = beginnings(generation)
    untils = [*(moment for _, moment in begun[1:]), end]
    return [
        (phase, max((until - start).total_seconds(), 0.0)) for (phase, start), until in zip(begun, untils, strict=True)
    ]


def beginnings(generation: Generation) -> list[tuple[str, datetime]]:
    """Each phase with its beginning, in order of time. What has not ended does not finish yet."""
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
    """Of a model server, in any attempt. None before; and if it is not known: an attempt that ended before it could
    store it may have asked, and older versions kept the latest one only."""
    first, latest = generation.first_requested_at or generation.requested_at, generation.requested_at
    if generation.attempt > 1 and first == latest:
        return None
    is_late = first is not None and generation.first_token_at is not None and first > generation.first_token_at
    return None if is_late else first
