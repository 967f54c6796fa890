"""What one user notices: first token, stop, reload. Measured one after the other, with nothing else running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from statistics import median
from typing import TypeVar

import httpx

from conversations.models import Generation
from conversations.models.generation.timeline import moments
from streaming.coordination.database import in_database

from . import Failed
from .askers import PATIENCE_S, Asker, Direct, Place, within
from .figures import MS, Figure, percentile, percentiles
from .page import Page
from .run import notes_of

WARM_UPS = 5
RATE = 50.0  # tokens per second
TTFT_TOKENS = 3
STOPPED_AFTER_S = 0.3
RELOADED_AFTER_S = 1.5
ENOUGH_TOKENS = 500
FULL_SPEED_STREAMS, FULL_SPEED_TOKENS = 10, 2000
STEPS = ("clicked", "accepted", "dispatched", "claimed", "requested", "first_token", "shown")

A = TypeVar("A", bound=Asker)


# The first token


async def warm_up(place: Place) -> None:
    """Discards the first answers of each process, which are slower."""
    for number in range(WARM_UPS):
        await ttft_of(Page(place, number))
        await ttft_of(Direct(place))


async def first_tokens(place: Place, samples: int) -> list[Figure]:
    """Alternates between site and floor, so that other load on the machine affects both."""
    pages = [Page(place, number) for number in range(samples)]
    floor = list[float]()
    for page in pages:
        floor.append(await ttft_of(Direct(place)))
        await ttft_of(page)
    site = [page.ttft for page in pages]
    added = [
        Figure(f"added TTFT p{share}", (percentile(site, share) - percentile(floor, share)) * MS, "ms")
        for share in (50, 95, 99)
    ]
    return [*percentiles("TTFT", site), *percentiles("TTFT, floor", floor), *added, *await steps_of(pages)]


async def ttft_of(asker: Asker) -> float:
    async with asking(asker, TTFT_TOKENS):
        await asker.finish()
        await asker.settle()
    return asker.ttft


async def steps_of(pages: Sequence[Page]) -> Iterator[Figure]:
    """Returns medians of the steps from the click to the page, by each generation's times in the database."""
    generations = await in_database(lambda: Generation.objects.in_bulk([page.request for page in pages]))
    by_id = {str(pk): generation for pk, generation in generations.items()}
    since_1970 = time.time() - time.monotonic()
    known = [
        {name: moment.timestamp() for name, moment in moments(by_id[page.request])}
        | {"clicked": page.asked_at + since_1970, "shown": page.begun_at + since_1970}
        for page in pages
    ]
    whole = [life for life in known if life.keys() >= set(STEPS)]
    return (
        Figure(
            f"TTFT, {first.replace('_', ' ')} → {then.replace('_', ' ')} p50",
            median(life[then] - life[first] for life in whole) * MS,
            "ms",
        )
        for first, then in pairwise(STEPS if whole else ())
    )


# Stops and reloads


async def stops(place: Place, samples: int) -> list[Figure]:
    """Measures from the click until the model server sees the connection closed."""
    return percentiles("stop", [await stop_of(place, number) for number in range(samples)])


async def stop_of(place: Place, number: int) -> float:
    async with asking(Page(place, number), ENOUGH_TOKENS) as page:
        await asyncio.sleep(STOPPED_AFTER_S)
        clicked_at = time.monotonic()
        page.stop()
        await page.finish()
        (note,) = await notes_of(place, [page])
    if not note.hung_up:
        raise Failed("a stopped answer was sent to its end")
    return note.ended - clicked_at


async def reloads(place: Place, samples: int) -> list[Figure]:
    """Measures from the navigation until the page has all the text that it had before."""
    return percentiles("reload to caught-up text", [await reload_of(place, number) for number in range(samples)])


async def reload_of(place: Place, number: int) -> float:
    async with asking(Page(place, number), ENOUGH_TOKENS) as page:
        await asyncio.sleep(RELOADED_AFTER_S)
        again = Page(place, number, page.conversation)
        headers = {"Cookie": place.cookie(number)}
        async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=PATIENCE_S) as browser:
            tokens, began = len(page.arrivals()), time.monotonic()
            page.close()
            # Only the page: a browser has its files cached.
            response = await browser.get(f"http://{place.site}/c/{page.conversation}/")
        if response.status_code != httpx.codes.OK:
            raise Failed(f"the page of a conversation was answered with {response.status_code}")
        await again.open()
        again.watch(page.request)
        await within(PATIENCE_S, again.begun.wait(), "a page that was loaded again got no text")
        while len(arrivals := again.arrivals()) < tokens:
            await asyncio.sleep(0.005)
        again.stop()
        await again.finish()
        again.close()
    return arrivals[tokens - 1] - began


async def full_speed(place: Place) -> list[Figure]:
    """Measures a model that is as fast as the site takes its tokens."""
    pages = [Page(place, number) for number in range(FULL_SPEED_STREAMS)]
    for page in pages:
        await page.open()
    began = time.monotonic()
    for page in pages:
        page.ask(FULL_SPEED_TOKENS, rate=0)
    for page in pages:
        await page.finish()
        page.close()
    took = max(page.arrivals()[-1] for page in pages) - began
    return [Figure("throughput at full speed", FULL_SPEED_STREAMS * FULL_SPEED_TOKENS / took, "tokens/s")]


@asynccontextmanager
async def asking(asker: A, tokens: int) -> AsyncIterator[A]:
    """Asks, waits for the first token, and closes on exit. Raises Failed."""
    await asker.open()
    asker.ask(tokens, RATE)
    try:
        await within(PATIENCE_S, asker.begun.wait(), "an answer did not begin")
        yield asker
    finally:
        asker.close()
