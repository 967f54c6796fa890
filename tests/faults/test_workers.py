"""A worker dies, or sleeps, in the middle of an answer: another one goes on, and what wakes up later writes nothing."""

from __future__ import annotations

import asyncio
import signal
from uuid import uuid4

from redis.asyncio import Redis

from tests.harness.page import Page
from tests.harness.site import Site

NUMBERS = "".join(f"{n} " for n in range(1, 301))


async def test_a_worker_that_sleeps_too_long_has_lost_its_answer(twins: Site) -> None:
    async with Redis.from_url(twins.env["REDIS_URL"]) as inside, Page(twins, "alice") as page:
        with twins.held(60):
            await page.send("count to 300")
            await page.until_text(100)
            sleeper = twins.worker
            sleeper.send(signal.SIGSTOP)
            twins.worker = twins.start_worker("second")
        ended = await page.finish()
        log = f"throughline:log:{page.generation}"
        written = await inside.xlen(log)
        stored = page.stored()

        sleeper.send(signal.SIGCONT)
        await page.send("count to 5")
        await page.finish()
        sleeper.wait_until(lambda: "was taken over by another process" in sleeper.output())

        assert (ended["status"], stored) == ("done", NUMBERS)
        assert await inside.xlen(log) == written
        assert {position.decode().partition("-")[0] for position, _ in await inside.xrange(log)} == {"1", "2"}
    sleeper.kill()


async def test_a_short_sleep_is_no_takeover(twins: Site) -> None:
    async with Page(twins, "alice") as page:
        with twins.held(60):
            await page.send("count to 300")
            await page.until_text(100)
            twins.worker.send(signal.SIGSTOP)
            twins.worker.send(signal.SIGCONT)
        ended = await page.finish()

    assert ended["status"] == "done"
    assert page.answer == page.stored() == NUMBERS
    assert "resuming" not in page.phases


async def test_pages_are_told_before_another_worker_is_there(twins: Site) -> None:
    async with Page(twins, "alice") as page:
        with twins.held(60):
            await page.send("count to 300")
            await page.until_text(100)
            twins.worker.kill()
            while "resuming" not in page.phases:
                await page.hear()
            twins.worker = twins.start_worker()
        ended = await page.finish()

    assert ended["status"] == "done"
    assert page.answer == page.stored() == NUMBERS


async def test_a_thought_is_thought_again_by_another_worker(twins: Site) -> None:
    async with Page(twins, "alice") as page:
        with twins.held(16):
            await page.send("[think] count to 100")
            await page.until_text(40, "0.thinking")
            begun = page.text["0.thinking"]

            twins.worker.kill()
            twins.worker = twins.start_worker()
        ended = await page.finish()

    assert ended["status"] == "done"
    assert page.answer == page.stored()
    assert page.text["0.thinking"].startswith(begun)
    assert "part.restarted" in {event["type"] for event in page.events}


async def test_a_stop_between_two_attempts_is_kept(twins: Site) -> None:
    async with Page(twins, "alice") as page:
        with twins.held(60):
            await page.send("count to 2000")
            await page.until_text(100)
            twins.worker.kill()
            await page.stop()
            twins.worker = twins.start_worker()
            ended = await page.finish()

    assert ended["status"] == "stopped"
    assert page.answer == page.stored()


async def test_a_stop_is_acknowledged_and_its_record_tells_what_came_after(twins: Site) -> None:
    async with Page(twins, "alice") as page:
        with twins.held(60):
            await page.send("count to 2000")
            await page.until_text(100)
            await page.stop()
            ended = await page.finish()

    assert "stopping" in page.phases
    assert ended["status"] == "stopped"
    assert page.answer == page.stored()
    record = twins.record(page.generation)
    assert 0 <= record["tokens_after_stop"] <= len(page.answer.split())
    assert record["stop_requested_at"] <= record["upstream_ended_at"] <= record["finished_at"]
    while any(twins.running(number) for number in range(len(twins.models))):  # until it has seen its client hang up
        await asyncio.sleep(0.05)


async def test_two_tabs_and_a_double_click_make_one_answer(twins: Site) -> None:
    click = uuid4()
    async with Page(twins, "alice") as first:
        await first.send("count to 3")
        await first.finish()
        async with Page(twins, "alice", first.conversation) as second:
            for page in (first, second, first):
                await page.tell("message.send", id=click, text="count to 40")
            paths = [await page.path() for page in (first, second, first)]
            await first.finish()
            await second.finish()

    assert len({path["generation"] for path in paths}) == 1
    assert first.answer == second.answer == "".join(f"{n} " for n in range(1, 41))
