"""What one person notices: the first token, a stop, a reload. One after the other, with nothing else running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TypeVar

import httpx

from . import Failed
from .asker import PATIENCE_S, Asker, Place, within
from .direct import Direct
from .figures import MS, Figure, spread_of
from .page import Page
from .percentiles import spread
from .stages import stages

WARM_UPS = 5
RATE = 50.0
TTFT_TOKENS = 3
STOPPED_AFTER_S = 0.3
RELOADED_AFTER_S = 1.5
ENOUGH_TOKENS = 500
FULL_SPEED_STREAMS, FULL_SPEED_TOKENS = 10, 2000

A = TypeVar("A", bound=Asker)


async def warm_up(place: Place) -> None:
    """The first answers of a process are slower."""
    for number in range(WARM_UPS):
        await ttft_of(Page(place, number))
        await ttft_of(Direct(place))


async def first_tokens(place: Place, samples: int) -> list[Figure]:
    """In turns, so that whatever else happens on the machine happens to both."""
    pages = [Page(place, number) for number in range(samples)]
    there = list[float]()
    for page in pages:
        there.append(await ttft_of(Direct(place)))
        await ttft_of(page)
    site, floor = spread([page.ttft for page in pages]), spread(there)
    added = [
        Figure(f"added TTFT {share}", (getattr(site, share) - getattr(floor, share)) * MS, "ms")
        for share in ("p50", "p95", "p99")
    ]
    return [*spread_of("TTFT", site), *spread_of("TTFT, floor", floor), *added, *await stages(pages)]


async def ttft_of(asker: Asker) -> float:
    async with asking(asker, TTFT_TOKENS):
        await asker.finish()
        if isinstance(asker, Page):
            await asker.settle()
    return asker.ttft


async def stops(place: Place, samples: int) -> Iterator[Figure]:
    """From the click to the moment at which the model server sees the connection closed."""
    found = [await stop_of(place, number) for number in range(samples)]
    return spread_of("stop", spread(found))


async def stop_of(place: Place, number: int) -> float:
    async with asking(Page(place, number), ENOUGH_TOKENS) as page:
        await asyncio.sleep(STOPPED_AFTER_S)
        clicked_at = time.monotonic()
        page.stop()
        await page.finish()
        (note,) = await place.journal.notes([page.request])
    if not note.hung_up:
        raise Failed("a stopped answer was sent to its end")
    return note.ended - clicked_at


async def reloads(place: Place, samples: int) -> Iterator[Figure]:
    """From the navigation, by way of page and socket, to all the text that was on the page before."""
    found = [await reload_of(place, number) for number in range(samples)]
    return spread_of("reload to caught-up text", spread(found))


async def reload_of(place: Place, number: int) -> float:
    async with asking(Page(place, number), ENOUGH_TOKENS) as page:
        await asyncio.sleep(RELOADED_AFTER_S)
        again = Page(place, number, page.conversation)
        async with visitor(place, number) as browser:
            had, began = len(page.arrivals()), time.monotonic()
            page.close()
            await load_page(browser, page.conversation)
        await again.open()
        again.watch(page.request)
        await within(PATIENCE_S, again.begun.wait(), "a page that was loaded again got no text")
        caught_up_at = await until_has(again, had)
        again.stop()
        await again.finish()
        again.close()
    return caught_up_at - began


def visitor(place: Place, number: int) -> httpx.AsyncClient:
    headers = {"Cookie": place.cookie(number)}
    return httpx.AsyncClient(base_url=f"http://{place.site}", headers=headers, trust_env=False, timeout=PATIENCE_S)


async def load_page(browser: httpx.AsyncClient, conversation: str) -> None:
    """The page alone: its files are in a browser's cache. Raises Failed."""
    response = await browser.get(f"/c/{conversation}/")
    if response.status_code != httpx.codes.OK:
        raise Failed(f"the page of a conversation was answered with {response.status_code}")


async def until_has(page: Page, tokens: int) -> float:
    """The moment at which it had so many."""
    while len(arrivals := page.arrivals()) < tokens:
        await asyncio.sleep(0.005)
    return arrivals[tokens - 1]


async def full_speed(place: Place) -> list[Figure]:
    """A model that is as fast as the site takes its tokens."""
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
    """While it is being answered; the first token is there. Raises Failed."""
    await asker.open()
    asker.ask(tokens, RATE)
    try:
        await within(PATIENCE_S, asker.begun.wait(), "an answer did not begin")
        yield asker
    finally:
        asker.close()
