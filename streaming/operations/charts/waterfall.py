"""One generation as a waterfall: a row for each phase on one time scale, and its beginning on a scale of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from conversations.models import Generation
from conversations.models.generation.plan import StageStatus
from conversations.models.generation.timeline import beginnings

from .moments import Moment, in_words, milliseconds, moments_of

WIDTH = 1000  # of a row, in the picture's own units
GRID = "".join(f"M{WIDTH * line // 4} 0V16" for line in range(5))  # SVG path of the tick lines
LEAST = 3  # width of a bar, so that it is visible
TICKS = 4
# Label, kind (its colour), the moments of which the first known one begins the phase, and the moment that ends it.
PHASES = (
    ("Click to server", "browser", ("clicked",), "received"),
    ("Accepting", "queued", ("received",), "accepted"),
    ("Storing, dispatching", "queued", ("accepted",), "dispatched"),
    ("In the queue", "queued", ("dispatched", "accepted"), "claimed"),
    ("Preparing the request", "starting", ("claimed",), "requested"),
    ("Until it was asked again", "waiting", ("requested", "claimed"), "asked_again"),
    ("Waiting for the first byte", "waiting", ("asked_again", "requested"), "first_byte"),
    ("Waiting for the first token", "waiting", ("first_byte", "asked_again", "requested", "claimed"), "first_token"),
    ("First token into the log", "delivery", ("first_token",), "first_append"),
    ("First token to a browser", "delivery", ("first_token",), "first_frame"),
    ("First paint", "browser", ("first_frame",), "painted"),
    ("Writing", "writing", ("first_token",), "last_token"),
    ("Model server's end", "finishing", ("last_token", "asked_again", "requested"), "upstream_ended"),
    ("Text into the log", "finishing", ("upstream_ended", "last_token", "claimed", "accepted"), "finished"),
    ("Storing the end", "finishing", ("finished",), "committed"),
    ("Publishing the end", "finishing", ("committed",), "published"),
)
NOW = {
    "queued": "In the queue",
    "starting": "Preparing the request",
    "waiting": "Waiting for the model server",
    "writing": "Writing",
}
# The beginning ends with the first of these that is known.
SHOWN = ("painted", "first_frame", "first_append", "first_token")


@dataclass(frozen=True)
class Bar:
    label: str
    kind: str  # sets the colour
    begin_ms: float  # since the generation was accepted
    ms: float
    x: float = 0.0
    width: float = 0.0
    is_open: bool = False  # still going on

    @property
    def begun(self) -> str:
        return in_words(self.begin_ms)

    @property
    def took(self) -> str:
        return f"{in_words(self.ms)} …" if self.is_open else in_words(self.ms)

    @property
    def end_ms(self) -> float:
        return self.begin_ms + self.ms


@dataclass(frozen=True)
class Picture:
    """Bars on one scale; ``ticks`` are its labels, at equal distances."""

    bars: list[Bar]
    ticks: list[str]

    @property
    def has_bars(self) -> bool:
        return bool(self.bars)


def whole(generation: Generation, now: datetime) -> Picture:
    """All phases, then the stages if there are several."""
    return drawn([*bars_of(generation, now), *stage_bars(generation, now)])


def beginning(generation: Generation, now: datetime) -> Picture:
    """The phases up to the first visible text, or to the last known moment before it."""
    known = moments_of(generation)
    end = next((known[name].after_ms for name in SHOWN if name in known), None)
    if end is None:
        return Picture([], [])
    bars = [bar for bar in bars_of(generation, now) if bar.end_ms <= end]
    return drawn(bars)


def bars_of(generation: Generation, now: datetime) -> list[Bar]:
    known = moments_of(generation)
    if generation.finished_at is None:
        # More tokens may follow.
        known.pop("last_token", None)
    if was_asked_in_mid_answer(known):
        # Part of the writing phase.
        del known["asked_again"]
    bars = [bar for phase in PHASES if (bar := bar_of(known, *phase))]
    return bars if generation.finished_at else [*bars, open_bar(generation, now)]


def was_asked_in_mid_answer(known: Mapping[str, Moment]) -> bool:
    again, first = known.get("asked_again"), known.get("first_token")
    return again is not None and first is not None and again.at > first.at


def bar_of(known: Mapping[str, Moment], label: str, kind: str, begins: tuple[str, ...], until: str) -> Bar | None:
    """None if a moment is unknown, or the clocks of two machines contradict each other."""
    begin, end = next((known[name] for name in begins if name in known), None), known.get(until)
    if begin is None or end is None or end.at < begin.at:
        return None
    return Bar(label, kind, begin.after_ms, end.after_ms - begin.after_ms)


def open_bar(generation: Generation, now: datetime) -> Bar:
    """The phase that the generation is in now."""
    phase, since = beginnings(generation)[-1]
    begin = milliseconds(generation.accepted_at, since)
    return Bar(NOW[phase], phase, begin, max(milliseconds(since, now), 0.0), is_open=True)


def stage_bars(generation: Generation, now: datetime) -> list[Bar]:
    """From each stage's first token to its end."""
    plan, outcomes = generation.stage_plan, generation.stage_results
    if plan is None or not plan.is_staged:
        return []
    bars = []
    for stage in plan.stages:
        outcome = outcomes.get(stage.number)
        if outcome is None or outcome.first_token_s is None:
            continue
        is_open = outcome.status == StageStatus.RUNNING
        until = milliseconds(generation.accepted_at, now) / 1000 if is_open else outcome.ended_s
        seconds = max((until or outcome.first_token_s) - outcome.first_token_s, 0.0)
        bars.append(
            Bar(f"Stage: {stage.label}", "stage", outcome.first_token_s * 1000, seconds * 1000, is_open=is_open)
        )
    return bars


def drawn(bars: list[Bar]) -> Picture:
    if not bars:
        return Picture([], [])
    first = min(bar.begin_ms for bar in bars)
    span = max(max(bar.end_ms for bar in bars) - first, 0.001)
    placed = [replace(bar, x=place(bar.begin_ms - first, span), width=breadth(bar.ms, span)) for bar in bars]
    return Picture(placed, [tick_of(first + span * tick / TICKS, span) for tick in range(TICKS + 1)])


def tick_of(ms: float, span: float) -> str:
    """All ticks of a scale have the same unit."""
    return f"{ms:.0f} ms" if span < 2000 else f"{ms / 1000:.1f} s"


def place(ms: float, span: float) -> float:
    return round(min(WIDTH * ms / span, WIDTH - LEAST), 2)


def breadth(ms: float, span: float) -> float:
    return round(max(WIDTH * ms / span, LEAST), 2)
