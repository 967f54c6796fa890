"""The whole benchmark, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass

from . import Failed, one_by_one
from .askers import Place
from .figures import KB, MB, MS, Figure, percentile
from .loads import figures_of_load
from .meters import Meters, others_share
from .page import Page
from .run import Load, check, close_all, open_all, run_pages

SAMPLES_PER_SLOW_ONE = 4  # stops and reloads take longer than first tokens
IDLE_RUNS = 2  # per kind: single runs differ by more than the difference that is measured
SETTLES_S = 3.0  # longer than the interval of the site's upkeep of its sockets
LIMIT_MS = 100.0
CLOSE_ENOUGH = 0.1  # share of the limit found
MOST_STREAMS = 6400

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    streams: tuple[int, ...]
    load: Load
    samples: int
    idle_sockets: int
    find_limit: bool

    @property
    def people(self) -> int:
        """How many users are needed: each has one socket at a time, streams and idle sockets alike."""
        return max(*self.streams, self.beside) + self.idle_sockets

    @property
    def beside(self) -> int:
        """How many streams run beside the idle sockets: about as many as in a busy hour."""
        return min(self.streams, key=lambda streams: abs(streams - 50))

    @property
    def slow_samples(self) -> int:
        return max(1, self.samples // SAMPLES_PER_SLOW_ONE)

    def __str__(self) -> str:
        return (
            f"{', '.join(map(str, self.streams))} streams of {self.load.rate:g} tokens/s for {self.load.tokens} tokens"
            f" · {self.samples} first tokens · {self.idle_sockets} idle sockets beside {self.beside} streams"
        )


async def measure(place: Place, meters: Meters, options: Options, say: Say) -> list[Figure]:
    """Raises Failed."""
    figures: list[Figure] = []
    async for found in steps(place, meters, options, say):
        figures += found
    return figures


async def steps(place: Place, meters: Meters, options: Options, say: Say) -> AsyncIterator[Iterable[Figure]]:
    say("first tokens")
    await one_by_one.warm_up(place)
    yield [Figure("memory, idle, site", (await asyncio.to_thread(meters.read)).site_memory * MB, "MB")]
    yield await one_by_one.first_tokens(place, options.samples)
    say("stops and reloads")
    yield await one_by_one.stops(place, options.slow_samples)
    yield await one_by_one.reloads(place, options.slow_samples)
    yield await one_by_one.full_speed(place)
    for streams in options.streams:
        say(f"{streams} streams")
        yield await figures_of_load(place, meters, streams, options.load)
    if options.idle_sockets:
        say(f"{options.idle_sockets} idle sockets")
        yield await beside_idle_sockets(place, meters, options)
    if options.find_limit:
        yield [await find_limit(place, meters, options, say)]


# Idle sockets: what each costs, and whether readers of answers notice them


async def beside_idle_sockets(place: Place, meters: Meters, options: Options) -> list[Figure]:
    """Raises Failed."""
    alone, others_alone = await lag_of_runs(place, meters, options)
    before = await asyncio.to_thread(meters.read)
    pages = [Page(place, len(place.sessions) - 1 - number) for number in range(options.idle_sockets)]
    try:
        await open_all(pages)
        await asyncio.sleep(SETTLES_S)
        check(pages)
        opened = await asyncio.to_thread(meters.read)
        beside, others_beside = await lag_of_runs(place, meters, options)
        check(pages)
    finally:
        await close_all(pages)
    each = (opened.site_memory - before.site_memory) / len(pages)
    return [
        Figure("memory per idle socket", each * KB, "KB"),
        Figure("lag p95 without idle sockets", alone, "ms"),
        Figure("lag p95 with idle sockets", beside, "ms"),
        Figure("added by idle sockets", beside - alone, "ms"),
        Figure("processors, other programs, without idle sockets", others_alone, "%"),
        Figure("processors, other programs, with idle sockets", others_beside, "%"),
    ]


async def lag_of_runs(place: Place, meters: Meters, options: Options) -> tuple[float, float]:
    """Returns the p95 in milliseconds, and the largest share that other programs took. Raises Failed."""
    runs = [await run_pages(place, meters, options.beside, options.load) for _ in range(IDLE_RUNS)]
    lag = percentile([lag for run in runs for lag in run.lags], 95) * MS
    return lag, max(others_share(run.before, run.after) for run in runs)


# The limit: the largest number of streams at which the lag's p95 is below LIMIT_MS


async def find_limit(place: Place, meters: Meters, options: Options, say: Say) -> Figure:
    async def holds(streams: int) -> bool:
        try:
            found = await run_pages(place, meters, streams, options.load)
        except Failed as error:
            say(f"{streams} streams: {error}")
            return False
        p95 = percentile(found.lags, 95) * MS
        say(f"{streams} streams: lag p95 {p95:.1f} ms")
        return p95 < LIMIT_MS

    streams = await largest(max(options.streams), holds)
    return Figure(f"largest number of streams with lag p95 < {LIMIT_MS:g} ms", streams, "")


async def largest(first: int, holds: Callable[[int], Awaitable[bool]]) -> int:
    """Doubles, then bisects; returns 0 if not even one stream holds."""
    good, bad = 0, first
    while bad <= MOST_STREAMS and await holds(bad):
        good, bad = bad, bad * 2
    while bad - good > max(good * CLOSE_ENOUGH, 1):
        middle = (good + bad) // 2
        if await holds(middle):
            good = middle
        else:
            bad = middle
    return good
