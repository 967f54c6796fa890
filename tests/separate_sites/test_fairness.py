"""One user asks for much, another for little: who waits, for whom, and what the page says of it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.harness.page import Page
from tests.harness.site import Site

from .test_progress import until


class FairSite(Site):
    """Two workers with two places each, of which one user may take two."""

    places = 2

    def start(self) -> Site:
        super().start()
        self.second = self.start_worker("second")
        return self

    def stop(self) -> None:
        self.second.stop()
        super().stop()


@pytest.fixture(scope="module")
def fair_site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="throughline-fair-") as folder:
        limits = {"RUNNING_ANSWERS_PER_USER": "2", "WAITING_ANSWERS_PER_USER": "30", "SOCKETS_PER_USER": "40"}
        site = FairSite(Path(folder), VLLM_SILENCE_TIMEOUT_S="60", **limits).start()
        yield site
        site.stop()


@pytest.fixture
async def stack(fair_site: Site) -> AsyncIterator[AsyncExitStack]:
    fair_site.break_model(hold_after=3)
    async with AsyncExitStack() as stack:
        yield stack
    fair_site.break_model()


async def ask(site: Site, stack: AsyncExitStack, who: str) -> Page:
    page = await stack.enter_async_context(Page(site, who))
    await page.send("count to 5")
    return page


async def test_anothers_one_answer_does_not_wait_for_thirty_of_one_user(fair_site: Site, stack: AsyncExitStack) -> None:
    greedy = [await ask(fair_site, stack, "alice") for _ in range(30)]
    for page in greedy[:2]:
        await page.until_text(1)
    third = await until(greedy[2], phase="queued", ahead=0, held=True)
    last = await until(greedy[-1], phase="queued", ahead=27, held=True)

    modest = await ask(fair_site, stack, "bob")
    await modest.until_text(1)

    assert third and last
    fair_site.break_model()
    assert [(await page.finish())["status"] for page in (modest, *greedy)] == ["done"] * 31


async def test_a_question_too_many_is_refused_with_a_sentence(fair_site: Site, stack: AsyncExitStack) -> None:
    pages = [await ask(fair_site, stack, "alice") for _ in range(32)]
    page = await stack.enter_async_context(Page(fair_site, "alice"))

    refused = await page.send("count to 5")

    assert (refused["type"], refused["code"]) == ("error", "too_many_waiting")
    assert "30 of your answers are already waiting" in refused["message"]
    fair_site.break_model()
    for page in pages:
        await page.finish()


async def test_a_page_too_many_is_told_so_and_sent_away(fair_site: Site, stack: AsyncExitStack) -> None:
    for _ in range(40):
        await stack.enter_async_context(Page(fair_site, "otto"))

    surplus = await Page(fair_site, "otto").open()

    assert (surplus.hello["type"], surplus.hello["code"]) == ("error", "too_many")
    assert "40 are allowed" in surplus.hello["message"]
    assert await surplus.close_code() == 4429
    await stack.enter_async_context(Page(fair_site, "bob"))
