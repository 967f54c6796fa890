"""How fast each model server is now and usually, measured from the rows of ended and running answers.

The model TTFT counts from the request to the server, so our own queue makes no server look slow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from conversations.models import Generation
from conversations.models.generation.plan import StageResult

from .answers import Ended

LATEST = 3  # measurements for the current pace: one slow answer is no slow server
LATELY = timedelta(minutes=2)  # maximum age of these
BEFORE = timedelta(minutes=10)  # older measurements are the usual ones, if there are enough
FEWEST = 3  # measurements for a usual value
WORTH_COUNTING_S = 1.0  # unfinished waits count from here on
WRITTEN_FOR_S = 5.0  # before the pace of an unfinished answer counts
AT_ONCE_S = 0.02  # a stage that took no longer came whole


@dataclass(frozen=True)
class Pace:
    """Medians. None: nothing was measured."""

    server: str
    model: str
    first_token_s: float | None  # now; unfinished waits count with their length so far
    rate: float | None  # tokens per second of one answer, now
    usual_first_token_s: float | None = None
    usual_rate: float | None = None


@dataclass
class Series:
    """Values with their times."""

    values: list[tuple[datetime, float]] = field(default_factory=list)

    def add(self, at: datetime, value: float) -> None:
        self.values.append((at, value))

    def now_and_usual(self, now: datetime) -> tuple[float | None, float | None]:
        newest_first = sorted(self.values, reverse=True)
        latest = [value for at, value in newest_first[:LATEST] if at > now - LATELY]
        rest = newest_first[len(latest) :]
        old = [value for at, value in rest if at < now - BEFORE]
        usual = old if len(old) >= FEWEST else [value for _, value in rest]
        return median(latest) if latest else None, median(usual) if len(usual) >= FEWEST else None


@dataclass
class Measured:
    waits: Series = field(default_factory=Series)
    rates: Series = field(default_factory=Series)


Key = tuple[str, str]  # server, model


def paces(ended: Iterable[Ended], running: Iterable[Generation], now: datetime) -> list[Pace]:
    """Paces of each server and model that wrote something lately, or should have."""
    measured = measured_of(ended)
    for generation in running:
        measure_running(generation, now, measured)
    found = [pace_of(key, measured[key], now) for key in sorted(measured)]
    return [pace for pace in found if pace.first_token_s is not None or pace.rate is not None]


def measured_of(ended: Iterable[Ended]) -> defaultdict[Key, Measured]:
    measured = defaultdict[Key, Measured](Measured)
    for answer in ended:
        measure(answer, measured)
    return measured


def pace_of(key: Key, measured: Measured, now: datetime) -> Pace:
    wait, usual_wait = measured.waits.now_and_usual(now)
    rate, usual_rate = measured.rates.now_and_usual(now)
    return Pace(*key, wait, rate, usual_wait, usual_rate)


def measure(answer: Ended, into: dict[Key, Measured]) -> None:
    generation = answer.generation
    if came_in_one(generation):
        return
    written = [outcome for outcome in answer.outcomes if outcome.server and not outcome.is_reused]
    keys = {(outcome.server, outcome.model) for outcome in written} or own_key(generation)
    wait = wait_of(generation)
    # With several servers it is unknown which one wrote the first token.
    if len(keys) == 1 and wait is not None:
        into[next(iter(keys))].waits.add(answer.finished_at, wait)
    for key, rate in rates_of(answer, written):
        into[key].rates.add(answer.finished_at, rate)


def own_key(generation: Generation) -> set[Key]:
    """Empty if no server wrote it."""
    return {(generation.server, generation.model)} if generation.server and not generation.is_reused else set()


def wait_of(generation: Generation) -> float | None:
    """The model TTFT in seconds; None if the server was asked again in mid-answer, or never wrote."""
    span = generation.model_first_token
    return span.total_seconds() if span is not None else None


def came_in_one(generation: Generation) -> bool:
    """The answer was not streamed, so the time of its first token is unknown."""
    at_once = generation.first_token_at == generation.last_token_at and (generation.completion_tokens or 0) > 1
    return at_once or not generation.streams


def rates_of(answer: Ended, written: list[StageResult]) -> Iterator[tuple[Key, float]]:
    for outcome in written:
        seconds = (outcome.ended_s or 0) - (outcome.first_token_s or 0)
        if seconds > AT_ONCE_S and outcome.completion_tokens:
            yield (outcome.server, outcome.model), outcome.completion_tokens / seconds
    if not written and answer.tokens_per_second:
        yield from ((key, answer.tokens_per_second) for key in own_key(answer.generation))


def measure_running(generation: Generation, now: datetime, into: dict[Key, Measured]) -> None:
    """Adds only measurements that are long enough to mean something, with the time ``now``."""
    requested, first = generation.requested_at, generation.first_token_at
    for key in own_key(generation) if requested and generation.streams else ():
        wait = wait_of(generation) if first else (now - requested).total_seconds()  # type: ignore[operator]
        if wait is not None and (first or wait > WORTH_COUNTING_S):
            into[key].waits.add(now, wait)
        if first and (seconds := (now - first).total_seconds()) > WRITTEN_FOR_S and generation.completion_tokens:
            into[key].rates.add(now, generation.completion_tokens / seconds)
