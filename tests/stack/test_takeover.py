"""Processes die in the middle of an answer; the thread does not break."""

import signal

from tests.harness.page import Page
from tests.harness.site import Site

COUNTED = "".join(f"{n} " for n in range(1, 201))
HELD_AFTER = 60  # words
BEGUN = len("".join(f"{n} " for n in range(1, HELD_AFTER + 1)))


async def test_a_killed_workers_answer_is_taken_over_where_it_was(site: Site) -> None:
    async with Page(site, "alice") as page:
        with site.held(HELD_AFTER):
            await page.send("count to 200")
            await page.until_text(BEGUN)
            site.worker.kill()
            site.worker = site.start_worker()
        finished = await page.finish()

    assert finished["status"] == "done"
    assert page.answer == COUNTED == page.stored()


async def test_a_worker_that_is_told_to_end_hands_over(site: Site) -> None:
    async with Page(site, "alice") as page:
        with site.held(HELD_AFTER):
            await page.send("count to 200")
            await page.until_text(BEGUN)
            second = site.start_worker("second")
            site.worker.send(signal.SIGTERM)
            site.worker.stop()
        finished = await page.finish()
    site.worker = second

    assert finished["status"] == "done"
    assert page.answer == COUNTED == page.stored()
    record = site.record(page.generation)
    assert record["first_requested_at"] < record["first_token_at"] < record["requested_at"]


async def test_a_killed_web_process_costs_a_reconnection(site: Site) -> None:
    async with Page(site, "alice") as page:
        with site.held(HELD_AFTER):
            await page.send("count to 200")
            await page.until_text(BEGUN)
            site.web.kill()
            assert await page.close_code() == 1006
            site.web = site.start_web()
            await page.open()
            await page.watch()
        finished = await page.finish()

    assert finished["status"] == "done"
    assert page.answer == COUNTED == page.stored()


async def test_a_web_process_that_is_told_to_end_sends_its_pages_away(site: Site) -> None:
    async with Page(site, "alice") as page:
        site.web.send(signal.SIGTERM)
        code = await page.close_code()
    site.web.stop()
    site.web = site.start_web()

    assert code == 4012


async def test_a_question_that_no_worker_takes_waits_for_one(site: Site) -> None:
    site.worker.kill()
    async with Page(site, "alice") as page:
        await page.send("count to 5")
        site.worker = site.start_worker()
        await page.finish()

    assert page.answer == "1 2 3 4 5 "


async def test_a_queued_answer_can_be_stopped_without_any_worker(site: Site) -> None:
    site.worker.kill()
    async with Page(site, "alice") as page:
        await page.send("count to 5")
        await page.stop()
        finished = await page.finish()
    site.worker = site.start_worker()

    assert finished["status"] == "stopped"
