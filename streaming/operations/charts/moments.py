"""All recorded moments of one generation, by every clock, in the order in which they usually happen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from conversations.models import Generation, GenerationTiming
from conversations.models.generation.timeline import first_request

BELIEVED = timedelta(minutes=1)  # at most, between a click by the browser's clock and its arrival by ours
LABELS = {
    "clicked": ("Click", "browser"),
    "received": ("Command received", "web"),
    "accepted": ("Accepted, about to be stored", "web"),
    "dispatched": ("Dispatched", "web"),
    "claimed": ("Claimed", "worker"),
    "requested": ("Request sent", "worker"),
    "asked_again": ("Request sent again", "worker"),
    "first_byte": ("First byte of the model server", "worker"),
    "first_token": ("First token", "worker"),
    "first_append": ("First text in the log", "worker"),
    "first_frame": ("First frame to a browser", "web"),
    "painted": ("First paint", "browser"),
    "stop_requested": ("Stop asked for", "web"),
    "last_token": ("Last token", "worker"),
    "upstream_ended": ("Model server's end", "worker"),
    "finished": ("All text in the log, the end about to be stored", "worker"),
    "committed": ("End in the database", "worker"),
    "published": ("End in the log: finished", "worker"),
}


@dataclass(frozen=True)
class Moment:
    name: str
    label: str
    clock: str  # browser, web or worker
    at: datetime
    after_ms: float  # since the generation was accepted


def moments_of(generation: Generation) -> dict[str, Moment]:
    """By name. The browser's moments are included only if its clock is plausible."""
    known = {name: getattr(generation, f"{name}_at", None) for name in LABELS}
    timing: GenerationTiming | None = getattr(generation, "timing", None)
    if timing:
        for name in ("received", "first_byte", "first_append", "first_frame", "committed", "published"):
            known[name] = getattr(timing, f"{name}_at")
    if not is_browser_believed(generation, known["received"]):
        known["clicked"] = None
    elif timing and timing.first_paint_ms is not None and generation.clicked_at:
        known["painted"] = generation.clicked_at + timedelta(milliseconds=timing.first_paint_ms)
    known["requested"] = first = first_request(generation)
    known["asked_again"] = generation.requested_at if generation.requested_at != first else None
    return {
        name: Moment(name, *LABELS[name], moment, milliseconds(generation.accepted_at, moment))
        for name, moment in known.items()
        if moment is not None
    }


def is_browser_believed(generation: Generation, received_at: datetime | None) -> bool:
    """Whether the click precedes the command's arrival, by at most BELIEVED."""
    if generation.clicked_at is None:
        return False
    return timedelta(0) <= (received_at or generation.accepted_at) - generation.clicked_at <= BELIEVED


def milliseconds(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() * 1000


def in_words(ms: float) -> str:
    """With about three digits."""
    if ms < 1000:
        return f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms"
    return f"{ms / 1000:.2f} s" if ms < 10_000 else f"{ms / 1000:.1f} s"
