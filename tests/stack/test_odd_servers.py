"""An answer goes on at servers of every kind, and no page shows anything twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.harness.page import Page
from tests.harness.site import Site

KINDS = ("exact", "repeats", "anew", "refuses")
COUNTED = "".join(f"{n} " for n in range(1, 121))
HELD_AFTER = 60  # words
BEGUN = len("".join(f"{n} " for n in range(1, HELD_AFTER + 1)))


@contextmanager
def odd(site: Site, **behaviour: object) -> Iterator[None]:
    site.break_model(**behaviour)
    try:
        yield
    finally:
        site.break_model()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stopped_answer_is_continued(site: Site, kind: str) -> None:
    async with Page(site, "alice") as page:
        with site.held(HELD_AFTER):
            await page.send("count to 120")
            await page.until_text(BEGUN)
            await page.stop()
            await page.finish()
        with odd(site, continuing=kind):
            await page.click("answer.continue")
            finished = await page.finish()

    assert finished["status"] == "done"
    assert page.answer == COUNTED == page.stored()


@pytest.mark.parametrize("kind", ["repeats", "anew"])
async def test_a_killed_workers_answer_is_taken_over(site: Site, kind: str) -> None:
    async with Page(site, "alice") as page:
        with site.held(HELD_AFTER):
            await page.send("count to 120")
            await page.until_text(BEGUN)
            site.worker.kill()
        with odd(site, continuing=kind):
            site.worker = site.start_worker()
            finished = await page.finish()

    assert finished["status"] == "done"
    assert page.answer == COUNTED == page.stored()


async def test_a_server_that_tells_figures_that_cannot_be_has_its_text_shown(site: Site) -> None:
    async with Page(site, "alice") as page:
        with odd(site, odd_figures=True):
            await page.send("count to 120")
            finished = await page.finish()

    assert finished["status"] == "done"
    assert page.answer == COUNTED == page.stored()
    with site.visitor("alice") as visitor:
        assert "Confidence:" not in visitor.get(f"/c/{page.conversation}/").text
