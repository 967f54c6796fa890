"""The whole site keeps its models warm: at the worker's start, after idle time, and when a chat page is opened."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from tests.harness.page import Page
from tests.harness.site import Site

PATIENCE_S = 120.0
LEARNING = 3  # requests that find out what a model can do; another one is closed before its end


@pytest.fixture(scope="module")
def warm_site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="throughline-warm-") as folder:
        site = Site(Path(folder), WARM_MODELS="true", WARM_AFTER_IDLE_S="600").start()
        yield site
        site.stop()


def answered(site: Site) -> int:
    """Requests that the model server has answered."""
    text = httpx.get(f"http://127.0.0.1:{site.model_ports[0]}/metrics", trust_env=False, timeout=60).text
    found = re.findall(r"^vllm:request_success_total{\S* (\S+)$", text, re.MULTILINE)
    return int(sum(float(value) for value in found))


async def until_answered(site: Site, wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while answered(site) < wanted:
        assert time.monotonic() < deadline, answered(site)
        await asyncio.sleep(0.05)


def forget(site: Site) -> None:
    """As if everything had rested."""
    with Redis.from_url(site.env["REDIS_URL"]) as redis:
        redis.delete(*redis.keys("throughline:warm:*"))


async def test_models_are_warmed_at_the_start_and_when_they_have_rested(warm_site: Site) -> None:
    await until_answered(warm_site, 1 + LEARNING)
    page = warm_site.until(lambda page: ">warm</span>" in page and "<dd>reported</dd>" in page, "/ops/servers/", "otto")
    assert answered(warm_site) == 1 + LEARNING
    assert "<dd>exactly</dd>" in page and "not learned yet" not in page

    forget(warm_site)

    await until_answered(warm_site, 2 + LEARNING)


async def test_an_opened_page_has_them_warmed_at_once_and_the_next_one_does_not(warm_site: Site) -> None:
    before = answered(warm_site)
    forget(warm_site)

    async with Page(warm_site, "alice"):
        await until_answered(warm_site, before + 1)
    async with Page(warm_site, "alice"):
        pass

    with Redis.from_url(warm_site.env["REDIS_URL"]) as redis:
        assert redis.exists("throughline:warm:wanted")
    assert answered(warm_site) == before + 1


async def test_an_answer_keeps_its_server_warm(warm_site: Site) -> None:
    with Redis.from_url(warm_site.env["REDIS_URL"]) as redis:
        redis.delete(*redis.keys("throughline:warm:used:*"), "-")
        async with Page(warm_site, "alice") as page:
            await page.send("count to 9")
            await page.finish()

        deadline = time.monotonic() + PATIENCE_S
        while not redis.keys("throughline:warm:used:*"):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
