"""Many streams at once: they begin one after the other; measured is the time in which all are running."""

from __future__ import annotations

import asyncio
import gc
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streaming.demo.journal import Note

from . import Failed
from .askers import PATIENCE_S, Asker, Place, within
from .meters import Meters, Reading
from .page import Page

ASKS_PER_S = 50.0  # people do not all ask at once
OPENED_AT_ONCE = 50
SLACK_S = 1.0  # how much later than planned the last stream may begin
JOURNAL_WITHIN_S = 10.0


@dataclass(frozen=True)
class Load:
    """What each stream of a run does."""

    rate: float  # tokens per second
    tokens: int  # minimum, while all are running


@dataclass(frozen=True)
class Run:
    """``before`` and ``after`` delimit the time in which all streams were running."""

    askers: Sequence[Asker]
    notes: list[Note]  # from the model server, in the order of ``askers``
    before: Reading
    after: Reading
    all_lags: list[float]
    lags: list[float]  # of tokens sent while all were running

    @property
    def streams(self) -> int:
        return len(self.askers)

    @property
    def seconds(self) -> float:
        return self.after.at - self.before.at

    @property
    def tokens(self) -> int:
        """How many were sent while all streams were running."""
        return len(self.lags)


async def run_pages(place: Place, meters: Meters, streams: int, load: Load) -> Run:
    """Raises Failed."""
    return await run(place, meters, [Page(place, number) for number in range(streams)], load)


async def run(place: Place, meters: Meters, askers: Sequence[Asker], load: Load) -> Run:
    """Raises Failed."""
    gc.collect()
    gc.disable()  # a pause of the driver would look like lag of the site
    try:
        await open_all(askers)
        patience = PATIENCE_S + 3 * (len(askers) / ASKS_PER_S + load.tokens / load.rate)
        before, after = await within(patience, ask_all(meters, askers, load), "the answers were not written")
        notes = await notes_of(place, askers)
        return measure(askers, notes, before, after)
    finally:
        await close_all(askers)
        gc.enable()


async def open_all(askers: Sequence[Asker]) -> None:
    """Raises Failed."""
    for start in range(0, len(askers), OPENED_AT_ONCE):
        await asyncio.gather(*(asker.open() for asker in askers[start : start + OPENED_AT_ONCE]))
    check(askers)


async def ask_all(meters: Meters, askers: Sequence[Asker], load: Load) -> tuple[Reading, Reading]:
    """Returns readings from when all had begun, and from when the first one ended. Raises Failed."""
    began = time.monotonic()
    for number, asker in enumerate(askers):
        await asyncio.sleep(began + number / ASKS_PER_S - time.monotonic())
        asker.ask(load.tokens + waiting_tokens(len(askers) - 1 - number, load.rate), load.rate)
    await asyncio.gather(*(asker.begun.wait() for asker in askers))
    before = await asyncio.to_thread(meters.read)
    check(askers)
    if any(asker.ended.is_set() for asker in askers):
        raise Failed(f"the first of {len(askers)} answers ended before the last had begun")
    ends = [asyncio.create_task(asker.ended.wait()) for asker in askers]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    after = await asyncio.to_thread(meters.read)
    await asyncio.gather(*ends)
    check(askers)
    return before, after


def waiting_tokens(others: int, rate: float) -> int:
    """Returns how many tokens a stream sends until ``others`` more have begun."""
    return math.ceil((others / ASKS_PER_S + SLACK_S) * rate) if others else 0


def check(askers: Iterable[Asker]) -> None:
    """Raises Failed if an asker has failed."""
    if failure := next((asker.failure for asker in askers if asker.failure), ""):
        raise Failed(failure)


async def notes_of(place: Place, askers: Sequence[Asker]) -> list[Note]:
    """Raises Failed."""
    notes = place.journal.notes([asker.request for asker in askers])
    return await within(JOURNAL_WITHIN_S, notes, "the model server did not write an answer into its journal")


def measure(askers: Sequence[Asker], notes: list[Note], before: Reading, after: Reading) -> Run:
    """Raises Failed if a token did not arrive."""
    all_lags: list[float] = []
    lags: list[float] = []
    for asker, note in zip(askers, notes, strict=True):
        arrivals = asker.arrivals()
        if len(arrivals) != len(note.sent):
            raise Failed(f"of an answer's {len(note.sent)} tokens, {len(arrivals)} came")
        for sent, arrived in zip(note.sent, arrivals, strict=True):
            all_lags.append(arrived - sent)
            if before.at <= sent < after.at:
                lags.append(arrived - sent)
    return Run(askers, notes, before, after, all_lags, lags)


async def close_all(askers: Sequence[Asker]) -> None:
    """Closes after the conversations have got their titles, which would otherwise burden the next run."""
    await asyncio.gather(*(asker.settle() for asker in askers if asker.begun_at and not asker.failure))
    for asker in askers:
        asker.close()
