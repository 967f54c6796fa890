"""The cheapest model is asked how hard a question is; nobody waits for it long."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.page import Page
from tests.harness.site import Site


@pytest.fixture(scope="module")
def asking_site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="throughline-second-") as folder:
        site = Site(Path(folder), ROUTER_ASKS_MODEL="true", ROUTER_PATIENCE_MS="5000").start()
        yield site
        site.stop()


async def test_the_models_word_decides(asking_site: Site) -> None:
    async with Page(asking_site, "alice") as page:
        await page.send("[echo] complex", mode="auto")  # the demo chooses the word that stands in the question
        await page.finish()
    plan = asking_site.record(page.generation)["plan"]

    assert (plan["level"], len(plan["stages"])) == ("complex", 3)
    assert plan["scores"]["judged"] == "complex"


async def test_a_slow_model_is_not_waited_for(asking_site: Site) -> None:
    async with Page(asking_site, "alice") as page:
        with asking_site.held(0):
            await page.send("[echo] complex", mode="auto")
            while (await page.until("answer.phase"))["phase"] != "waiting":  # for the answer itself
                pass
        await page.finish()
    plan = asking_site.record(page.generation)["plan"]

    assert plan["level"] == "simple"
    assert "judged" not in plan["scores"]


async def test_who_chose_a_mode_is_not_judged(asking_site: Site) -> None:
    async with Page(asking_site, "alice") as page:
        await page.send("[echo] complex", mode="quick")
        await page.finish()

    assert asking_site.record(page.generation)["plan"]["level"] == "simple"
