"""How fast each model server is just now, beside what it usually is: from the rows of answers, those being written too.

A model's own time to its first token counts from the request to it, so a queue of ours makes no server look slow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from conversations.models import Generation
from conversations.models.plan import Outcome

LATELY = timedelta(minutes=2)
WORTH_COUNTING_S = 1.0  # of a wait that has not ended, or of writing
FEWEST = 3  # answers that make a usual figure


@dataclass(frozen=True)
class Pace:
    """Medians. None: there was none to measure."""

    server: str
    model: str
    first_token_s: float | None  # lately; waits that have not ended count with what they took so far
    rate: float | None  # tokens per second of one answer, lately
    usual_first_token_s: float | None = None  # of the hour before
    usual_rate: float | None = None


@dataclass
class Measured:
    waits: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)


Key = tuple[str, str]  # server, model


def paces(ended: Iterable[Generation], running: Iterable[Generation], now: datetime) -> list[Pace]:
    """Of each server and model that wrote something lately, or should have."""
    lately, before = defaultdict[Key, Measured](Measured), defaultdict[Key, Measured](Measured)
    for generation in ended:
        is_new = generation.finished_at is not None and generation.finished_at > now - LATELY
        measure(generation, lately if is_new else before)
    for generation in running:
        measure_running(generation, now, lately)
    return [pace_of(key, lately[key], before.get(key, Measured())) for key in sorted(lately)]


def pace_of(key: Key, now: Measured, before: Measured) -> Pace:
    return Pace(*key, middle(now.waits), middle(now.rates), middle(before.waits, FEWEST), middle(before.rates, FEWEST))


def middle(values: list[float], fewest: int = 1) -> float | None:
    return median(values) if len(values) >= fewest else None


def measure(generation: Generation, into: dict[Key, Measured]) -> None:
    written = [outcome for outcome in generation.stage_outcomes.values() if outcome.server and not outcome.cached]
    keys = {(outcome.server, outcome.model) for outcome in written} or own_key(generation)
    wait = wait_of(generation)
    if len(keys) == 1 and wait is not None:  # of several, it is not known whose the first token was
        into[next(iter(keys))].waits.append(wait)
    for key, rate in rates_of(generation, written):
        into[key].rates.append(rate)


def own_key(generation: Generation) -> set[Key]:
    """Empty if no server wrote it."""
    return {(generation.server, generation.model)} if generation.server and not generation.from_cache else set()


def wait_of(generation: Generation) -> float | None:
    """Of the model's first token, in seconds; None if it was asked again in mid-answer, or never wrote."""
    requested, first = generation.requested_at, generation.first_token_at
    return (first - requested).total_seconds() if requested and first and first >= requested else None


def rates_of(generation: Generation, written: list[Outcome]) -> Iterator[tuple[Key, float]]:
    for outcome in written:
        if (seconds := (outcome.ended_s or 0) - (outcome.first_token_s or 0)) > 0 and outcome.completion_tokens:
            yield (outcome.server, outcome.model), outcome.completion_tokens / seconds
    if not written and generation.tokens_per_second:
        yield from ((key, generation.tokens_per_second) for key in own_key(generation))


def measure_running(generation: Generation, now: datetime, into: dict[Key, Measured]) -> None:
    """Only what has taken long enough to say something."""
    for key in own_key(generation):
        requested, first = generation.requested_at, generation.first_token_at
        if requested and not first and (wait := (now - requested).total_seconds()) > WORTH_COUNTING_S:
            into[key].waits.append(wait)
        elif requested and first and (seconds := (now - first).total_seconds()) > 5 * WORTH_COUNTING_S:
            into[key].rates.append((generation.completion_tokens or 0) / seconds)
            into[key].waits.extend([] if (wait_ := wait_of(generation)) is None else [wait_])
