"""Whoever comes back, or comes later, has the same text: by one code path."""

import random

import pytest

from tests.harness.page import Page
from tests.harness.site import Site


@pytest.mark.parametrize("length", [1, 40, 200, 700])
async def test_a_lost_connection_loses_no_character(site: Site, length: int) -> None:
    async with Page(site, "alice") as page:
        with site.held(length // 2 + 2):  # words: enough for so many characters
            await page.send("Explain the table with code and a formula")
            await page.until_text(length)
            await page.socket.close()
            await page.open()
            await page.watch()
        await page.finish()

    assert page.answer == page.stored()


async def test_a_late_page_gets_everything(site: Site) -> None:
    async with Page(site, "alice") as first:
        site.hold(100)
        await first.send("Explain the list")
        await first.until_text(300)
        async with Page(site, "alice", first.conversation) as late:
            site.let_go()
            assert late.hello["unfinished"] == [first.generation]
            late.generation, late.message = first.generation, first.message
            await late.watch()
            await late.finish()
        await first.finish()

    assert late.answer == first.answer == first.stored()


async def test_finished_blocks_are_the_same_for_early_and_late_pages(site: Site) -> None:
    async with Page(site, "alice") as first:
        with site.held(400):
            await first.send("Explain a table and some code")
            await first.until_text(900)
            async with Page(site, "alice", first.conversation) as late:
                late.generation = first.generation
                await late.watch()
                await late.until("blocks.done")
                while len(late.blocks["0.text"]) < 3:
                    await late.hear()
        await first.finish()

    common = min(len(first.blocks["0.text"]), len(late.blocks["0.text"]))
    assert late.blocks["0.text"][:common] == first.blocks["0.text"][:common]


async def test_a_page_can_resume_from_every_event_of_an_answer(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("[echo] One *two* 😀.\n\n- three\n- four\n\nFive `six`.")
        await page.finish()
        events = [event for event in page.events if event["type"] in ("text.delta", "blocks.done")]
        for count in random.Random(7).sample(range(len(events) + 1), k=min(8, len(events) + 1)):
            async with Page(site, "alice", page.conversation) as back:
                back.generation = page.generation
                for event in events[:count]:
                    back._fold(event)
                await back.watch()
                await back.finish()
            assert back.answer == page.answer


async def test_nonsense_about_what_was_seen_is_answered_with_everything(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("count to 50")
        await page.finish()
        expected, page.text = page.answer, {}
        seen = {"0.text": [10**9, 10**9], "9.strange": [5, 3]}
        await page.tell("answer.watch", generation=page.generation, position="not-a-position", seen=seen)
        await page.finish()

    assert page.answer == expected


async def test_another_tab_sees_a_new_question(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("count to 3")
        await page.finish()
        async with Page(site, "alice", page.conversation) as tab:
            await page.send("count to 7")
            await tab.path()
            await tab.finish()

    assert tab.answer == "1 2 3 4 5 6 7 "
