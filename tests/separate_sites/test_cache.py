"""The response cache in the running site: what users are told of it, and how they get around it."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.harness.page import Page
from tests.harness.site import Site


async def asked(site: Site, question: str, who: str = "alice") -> tuple[Page, dict[str, Any]]:
    """In a new chat, to the end."""
    async with Page(site, who) as page:
        await page.send(question)
        return page, await page.finish()


def is_cached(site: Site, page: Page) -> bool:
    return bool(site.record(page.generation)["outcomes"]["0"].get("cached"))


async def test_a_repeated_question_is_answered_from_the_cache_and_it_is_said(caching_site: Site) -> None:
    first, _ = await asked(caching_site, "[think] Explain a table with code")
    begun = caching_site.streamed()
    second, finished = await asked(caching_site, "[think] Explain a table with code")

    assert caching_site.streamed() == begun
    assert second.text == first.text == second.stored_parts()
    assert is_cached(caching_site, second) and not is_cached(caching_site, first)
    assert "From the cache" in finished["footer"] and "Regenerate without cache" in finished["footer"]


async def test_another_users_question_goes_to_the_model(caching_site: Site) -> None:
    await asked(caching_site, "count to 11")
    of_bob, finished = await asked(caching_site, "count to 11", "bob")

    assert not is_cached(caching_site, of_bob)
    assert "From the cache" not in finished["footer"]


async def test_a_fresh_answer_comes_from_the_model_also_after_a_takeover(caching_site: Site) -> None:
    question = "count to 12"
    await asked(caching_site, question)
    async with Page(caching_site, "alice") as page:
        await page.send(question)
        await page.finish()
        was_cached = is_cached(caching_site, page)
        with caching_site.held(0):
            await page.click("answer.regenerate", fresh=True)
            while (await page.until("answer.phase"))["phase"] != "waiting":
                pass
            caching_site.worker.kill()
            caching_site.worker = caching_site.start_worker()
        finished = await page.finish()

    assert was_cached and not is_cached(caching_site, page)
    assert (finished["status"], page.answer.split()[-1]) == ("done", "12")
    assert caching_site.record(page.generation)["attempt"] == 2


async def test_a_question_in_two_chats_at_once_is_one_request(caching_site: Site) -> None:
    begun = caching_site.streamed()
    with caching_site.held(60):
        several = [asyncio.create_task(asked(caching_site, "count to 130")) for _ in range(2)]
        while caching_site.streamed() == begun:
            await asyncio.sleep(0.05)
    (first, _), (second, _) = await asyncio.gather(*several)

    assert caching_site.streamed() == begun + 1
    assert first.answer == second.answer == first.stored() == second.stored()
    assert first.answer.split()[-1] == "130"
