"""Redis restarts, loses its data, hangs, fills up, cuts connections: answers go on, and pages are told."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from tests.harness.page import Page
from tests.harness.site import Site

NUMBERS = "".join(f"{n} " for n in range(1, 301))


@pytest.fixture
async def page(twins: Site) -> AsyncIterator[Page]:
    """In the middle of a long answer, which goes on when it is let go."""
    async with Page(twins, "alice") as page:
        with twins.held(60):
            await page.send("count to 300")
            await page.until_text(120)
            yield page


@pytest.fixture
async def inside(twins: Site) -> AsyncIterator[Redis]:
    """A connection of our own."""
    async with Redis.from_url(twins.env["REDIS_URL"]) as client:
        yield client


async def check_whole(page: Page) -> None:
    page.site.let_go()
    ended = await page.finish()

    assert ended["status"] == "done"
    assert page.answer == page.stored() == NUMBERS


@pytest.mark.parametrize("keeps_data", [True, False], ids=["with its data", "without its data"])
async def test_redis_restarts(twins: Site, page: Page, inside: Redis, keeps_data: bool) -> None:
    if not keeps_data:
        await inside.flushall()
    twins.redis.kill()
    twins.redis = twins.start_redis()

    await check_whole(page)


async def test_redis_is_away_for_a_while(twins: Site, page: Page) -> None:
    twins.redis.kill()
    while "delayed" not in page.phases:
        await page.hear()
    twins.redis = twins.start_redis()

    await check_whole(page)
    assert page.is_open


async def test_redis_hangs_for_longer_than_anyone_waits(twins: Site, page: Page) -> None:
    twins.redis.send(signal.SIGSTOP)
    while "delayed" not in page.phases:
        await page.hear()
    twins.redis.send(signal.SIGCONT)

    await check_whole(page)


async def test_redis_answers_slowly(page: Page, inside: Redis) -> None:
    for _ in range(3):
        await inside.execute_command("DEBUG", "SLEEP", "1.5")

    await check_whole(page)


async def test_all_connections_are_cut(page: Page, inside: Redis) -> None:
    for _ in range(5):
        await inside.client_kill_filter(skipme=True)
        await inside.client_kill_filter(_type="pubsub", skipme=True)
        await asyncio.sleep(0.1)  # some come back in between

    await check_whole(page)


async def test_the_answer_ends_while_web_sleeps_and_loses_its_connections(
    twins: Site, page: Page, inside: Redis
) -> None:
    twins.web.send(signal.SIGSTOP)
    twins.let_go()
    while twins.record(page.generation)["status"] != "done":
        await asyncio.sleep(0.1)
    await inside.client_kill_filter(_type="normal", skipme=True)
    await asyncio.sleep(3)  # longer than a silence
    twins.web.send(signal.SIGCONT)

    await check_whole(page)


async def test_redis_is_full(twins: Site, page: Page, inside: Redis) -> None:
    await inside.config_set("maxmemory", 1)
    twins.let_go()
    while "appending to the logs of" not in twins.worker.output():
        await asyncio.sleep(0.05)
    await inside.config_set("maxmemory", 0)

    await check_whole(page)


async def test_the_log_alone_vanishes(page: Page, inside: Redis) -> None:
    await inside.delete(f"throughline:log:{page.generation}")

    await check_whole(page)


async def test_redis_loses_everything_and_the_worker_dies_at_once(twins: Site, page: Page, inside: Redis) -> None:
    twins.worker.kill()
    await inside.flushall()
    twins.worker = twins.start_worker()

    await check_whole(page)


async def test_a_question_sent_without_redis_is_answered_when_it_is_back(twins: Site) -> None:
    async with Page(twins, "alice") as page:
        twins.redis.kill()
        await page.send("count to 9")
        twins.redis = twins.start_redis()
        while (await page.hear())["type"] != "answer.finished":
            pass

    assert page.answer.split()[-1] == "9"
