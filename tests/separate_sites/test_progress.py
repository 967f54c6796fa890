"""What a page is told while its answer has not begun: what it waits for, and how many come before."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.harness.page import Event, Page
from tests.harness.site import Site

LONG = "count to 3000 [[demo rate=50]]"


class NarrowSite(Site):
    """The model server makes one answer at a time, and the worker has three."""

    seats = 1
    places = 3


@pytest.fixture(scope="module")
def narrow_site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="throughline-narrow-") as folder:
        site = NarrowSite(Path(folder), VLLM_FIRST_TOKEN_TIMEOUT_S="60").start()
        yield site
        site.stop()


class Crowd:
    """Several pages, each with a question of its own, asked one after the other."""

    def __init__(self, site: Site, stack: AsyncExitStack):
        self.pages: list[Page] = []
        self._site = site
        self._stack = stack

    async def ask(self, **phase: Any) -> Page:
        """One more, until it is told this."""
        page = await self._stack.enter_async_context(Page(self._site, "alice"))
        self.pages.append(page)
        await page.send(LONG)
        await until(page, **phase)
        return page

    async def stop(self, page: Page) -> None:
        self.pages.remove(page)
        await page.stop()
        await page.finish()


@pytest.fixture
async def crowd(narrow_site: Site) -> AsyncIterator[Crowd]:
    async with AsyncExitStack() as stack:
        crowd = Crowd(narrow_site, stack)
        yield crowd
        for page in reversed(crowd.pages):
            await crowd.stop(page)


async def until(page: Page, **wanted: Any) -> Event:
    """It is told a phase like this."""
    while True:
        told = await page.until("answer.phase")
        if {name: told.get(name) for name in wanted} == wanted:
            return told


async def test_who_waits_at_the_model_server_is_told_their_place_and_moves_up(crowd: Crowd) -> None:
    first = await crowd.ask(phase="writing")
    second = await crowd.ask(phase="waiting", ahead=0)
    third = await crowd.ask(phase="waiting", ahead=1)

    await crowd.stop(first)

    await until(second, phase="writing")
    await until(third, phase="waiting", ahead=0)


async def test_who_waits_for_a_free_worker_is_told_their_place_and_moves_up(crowd: Crowd) -> None:
    first = await crowd.ask(phase="writing")
    await crowd.ask(phase="waiting", ahead=0)
    await crowd.ask(phase="waiting", ahead=1)
    fourth = await crowd.ask(phase="queued", ahead=0)
    fifth = await crowd.ask(phase="queued", ahead=1)

    await crowd.stop(first)

    await until(fourth, phase="waiting")
    await until(fifth, phase="queued", ahead=0)


async def test_a_server_that_took_the_question_up_reads_it(narrow_site: Site) -> None:
    async with Page(narrow_site, "alice") as page:
        with narrow_site.held(0):
            await page.send("count to 3 " + "and so on " * 400)
            told = await until(page, phase="waiting", ahead=None)
            while not told.get("reading"):
                told = await until(page, phase="waiting")
        await page.finish()

    assert 500 < told["reading"] < 5000


async def test_a_page_that_comes_back_is_told_where_its_answer_stands(crowd: Crowd) -> None:
    await crowd.ask(phase="writing")
    second = await crowd.ask(phase="waiting", ahead=0)

    await second.socket.close()
    await second.open()
    await second.watch()

    await until(second, phase="waiting", ahead=0)
