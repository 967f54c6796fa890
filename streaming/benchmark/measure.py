"""The whole benchmark, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass

from . import Failed, moments
from .asker import Place
from .figures import MB, MS, Figure
from .idle import idle
from .limit import LIMIT_MS, largest
from .loads import load, run_site
from .meters import Meters
from .percentiles import spread

SAMPLES_PER_SLOW_ONE = 4  # a stop and a reload take longer than a first token
Say = Callable[[str], None]


@dataclass(frozen=True)
class Wishes:
    streams: tuple[int, ...]
    rate: float
    tokens: int
    samples: int
    idle_sockets: int
    find_limit: bool

    @property
    def people(self) -> int:
        """Streams and idle sockets are of different people."""
        return max(*self.streams, self.beside) + self.idle_sockets

    @property
    def sockets(self) -> int:
        """At most at a time, as far as that is known before."""
        return self.people

    @property
    def beside(self) -> int:
        """Streams that run beside the idle sockets: what a busy hour may have."""
        return min(self.streams, key=lambda streams: abs(streams - 50))

    @property
    def slow_samples(self) -> int:
        return max(1, self.samples // SAMPLES_PER_SLOW_ONE)

    def __str__(self) -> str:
        streams = ", ".join(map(str, self.streams))
        return (
            f"{streams} streams of {self.rate:g} tokens/s for {self.tokens} tokens · {self.samples} first tokens · "
            f"{self.idle_sockets} idle sockets beside {self.beside} streams"
        )


async def measure(place: Place, meters: Meters, wishes: Wishes, say: Say) -> list[Figure]:
    """Raises Failed."""
    figures: list[Figure] = []
    async for found in steps(place, meters, wishes, say):
        figures += found
    return figures


async def steps(place: Place, meters: Meters, wishes: Wishes, say: Say) -> AsyncIterator[Iterable[Figure]]:
    say("first tokens")
    await moments.warm_up(place)
    yield [await idle_memory(meters)]
    yield await moments.first_tokens(place, wishes.samples)
    say("stops and reloads")
    yield await moments.stops(place, wishes.slow_samples)
    yield await moments.reloads(place, wishes.slow_samples)
    yield await moments.full_speed(place)
    for streams in wishes.streams:
        say(f"{streams} streams")
        yield await load(place, meters, streams, wishes.tokens, wishes.rate)
    if wishes.idle_sockets:
        say(f"{wishes.idle_sockets} idle sockets")
        yield await idle(place, meters, wishes.idle_sockets, wishes.beside, wishes.tokens, wishes.rate)
    if wishes.find_limit:
        yield [await limit(place, meters, wishes, say)]


async def idle_memory(meters: Meters) -> Figure:
    reading = await asyncio.to_thread(meters.read)
    return Figure("memory, idle, site", reading.site_memory * MB, "MB")


async def limit(place: Place, meters: Meters, wishes: Wishes, say: Say) -> Figure:
    async def holds(streams: int) -> bool:
        try:
            found = await run_site(place, meters, streams, wishes.tokens, wishes.rate)
        except Failed as error:
            say(f"{streams} streams: {error}")
            return False
        p95 = spread(found.lags).p95 * MS
        say(f"{streams} streams: lag p95 {p95:.1f} ms")
        return p95 < LIMIT_MS

    return Figure(
        f"largest number of streams with lag p95 < {LIMIT_MS:g} ms", await largest(max(wishes.streams), holds), ""
    )
