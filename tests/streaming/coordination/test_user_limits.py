"""What one user may do and have open: counted for all processes together, and no killed one locks anybody out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from streaming.coordination import user_limits
from streaming.coordination.redis_clients import sync_client
from streaming.coordination.user_limits import Open, TooManyOpen, TooManyRequests, count_request

ALICE, BOB = 1, 2


@pytest.fixture
def store() -> Iterator[Redis]:
    client = sync_client()
    forget_all(client)
    yield client


def forget_all(store: Redis) -> None:
    for pattern in ("throughline:open:*", "throughline:lives:*", "throughline:requests:*"):
        for key in store.scan_iter(pattern):
            store.delete(key)


@pytest.fixture
async def process(store: Redis, redis: AsyncRedis) -> Callable[[str], Open]:
    return lambda name: Open(redis, name, "pages")


async def settled(*processes: Open) -> None:
    """What was given back is told."""
    await asyncio.sleep(0)
    await asyncio.gather(*(one.publish() for one in processes))


async def test_the_limit_is_for_all_processes_together(process: Callable[[str], Open]) -> None:
    one, two = process("one"), process("two")
    places = [await one.take(ALICE, 3), await two.take(ALICE, 3), await two.take(ALICE, 3)]

    with pytest.raises(TooManyOpen, match="3 are allowed"):
        await one.take(ALICE, 3)

    assert await one.take(BOB, 3)
    assert len(places) == 3


async def test_many_at_once_are_counted_exactly(process: Callable[[str], Open]) -> None:
    one, two = process("one"), process("two")

    found = await asyncio.gather(
        *(one.take(ALICE, 5) for _ in range(10)), *(two.take(ALICE, 5) for _ in range(10)), return_exceptions=True
    )

    refused = [answer for answer in found if isinstance(answer, TooManyOpen)]
    assert (len(found), len(refused)) == (20, 15)


async def test_what_is_left_can_be_taken_again(process: Callable[[str], Open]) -> None:
    one, two = process("one"), process("two")
    place = await one.take(ALICE, 1)
    place.leave()
    place.leave()  # twice is once
    await settled(one)

    assert await two.take(ALICE, 1)


async def test_what_is_forgotten_is_given_back(process: Callable[[str], Open]) -> None:
    one = process("one")
    await one.take(ALICE, 1)
    await settled(one)

    assert await one.take(ALICE, 1)


async def test_a_killed_process_has_nothing_open(process: Callable[[str], Open], store: Redis) -> None:
    place = await process("killed").take(ALICE, 1)
    store.delete("throughline:lives:killed:pages")  # it says no more that it lives

    assert await process("other").take(ALICE, 1)
    assert place


async def test_what_redis_forgot_is_told_again(process: Callable[[str], Open], store: Redis) -> None:
    one = process("one")
    place = await one.take(ALICE, 1)
    forget_all(store)

    await one.publish()

    with pytest.raises(TooManyOpen):
        await process("two").take(ALICE, 1)
    assert place


async def test_what_redis_forgot_is_told_again_of_each_kind(redis: AsyncRedis, store: Redis) -> None:
    pages, streams = Open(redis, "one", "pages"), Open(redis, "one", "event streams")
    places = [await kind.take(ALICE, 1) for kind in (pages, streams)]
    forget_all(store)

    await settled(pages, streams)

    for kind in ("pages", "event streams"):
        with pytest.raises(TooManyOpen):
            await Open(redis, "two", kind).take(ALICE, 1)
    assert places


async def test_what_redis_forgot_is_told_again_though_one_more_was_taken_since(
    process: Callable[[str], Open], store: Redis
) -> None:
    one = process("one")
    places = [await one.take(ALICE, 3), await one.take(ALICE, 3)]
    forget_all(store)

    places.append(await one.take(ALICE, 3))
    await settled(one)

    with pytest.raises(TooManyOpen):
        await process("two").take(ALICE, 3)
    assert len(places) == 3


async def test_requests_are_counted_by_user(store: Redis, settings: Any) -> None:
    settings.REQUESTS_PER_MINUTE = 3
    for _ in range(3):
        count_request(ALICE)

    with pytest.raises(TooManyRequests, match="3 per minute") as refused:
        count_request(ALICE)

    count_request(BOB)
    assert 0 < refused.value.retry_after_s <= 20


@pytest.fixture
async def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncRedis]:
    url = f"unix://{tmp_path}/nobody-listens.sock"
    monkeypatch.setattr(user_limits, "counting", lambda: Redis.from_url(url).register_script(user_limits.COUNT))
    client = AsyncRedis.from_url(url)
    yield client
    await client.aclose()


async def test_without_redis_nobody_is_refused(nowhere: AsyncRedis) -> None:
    count_request(ALICE)

    assert await Open(nowhere, "one", "pages").take(ALICE, 1)
