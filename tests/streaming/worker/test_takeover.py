"""One process goes on with what another one began: nothing is lost, doubled, or taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from redis.asyncio import Redis

from conversations.models import Generation
from conversations.models.generation.generation import Status
from streaming.coordination.database import in_database
from streaming.log import stream_log
from streaming.log.records import Claimed, Ended, Restarted
from tests.streaming.harness import WHOLE, Model, Reply, Worker, ask, logged, records, row, texts

Workers = Callable[[], Worker]
Pages = Callable[..., Any]


async def begun(worker: Worker, model: Model, owner: User) -> tuple[Generation, Reply, asyncio.Task[Any]]:
    """An answer of which three words are in the log."""
    generation = await in_database(ask, owner)
    reply = model.will(hold_at=3)
    answering = worker.take(generation)
    await reply.said.wait()
    while (await logged(generation)).get("0.text") != "1 2 3 ":
        await asyncio.sleep(0)
    return generation, reply, answering


async def restarts(generation: Generation) -> list[Restarted]:
    return [record for record in await records(generation) if isinstance(record, Restarted)]


async def test_a_dead_workers_answer_goes_on_where_its_log_ends(owner: User, workers: Workers, model: Model) -> None:
    first, second = workers(), workers()
    generation, _, _ = await begun(first, model, owner)
    await first.die()

    assert await second.take(generation) == Status.DONE

    assert model.asked[1].begun == "1 2 3 "
    assert await texts(generation) == await logged(generation) == {"0.text": WHOLE}
    assert await restarts(generation) == []


async def test_an_answer_is_handed_over_where_it_is(owner: User, workers: Workers, model: Model) -> None:
    first, second = workers(), workers()
    generation, reply, answering = await begun(first, model, owner)

    await first.hand_over(generation)

    assert await answering is None
    assert reply.hung_up.is_set() and await texts(generation) == {"0.text": "1 2 3 "}
    assert not any(isinstance(record, Ended) for record in await records(generation))
    assert await second.take(generation) == Status.DONE
    assert await texts(generation) == await logged(generation) == {"0.text": WHOLE}


async def test_who_has_lost_the_answer_writes_nothing_more_anywhere(
    owner: User, workers: Workers, model: Model
) -> None:
    first, second = workers(), workers()
    generation, reply, lost = await begun(first, model, owner)
    finished = second.take(generation)
    assert await finished == Status.DONE
    before = await records(generation), await texts(generation), (await row(generation)).status

    reply.go_on()

    assert await lost is None
    assert (await records(generation), await texts(generation), (await row(generation)).status) == before


async def test_who_is_told_that_it_lost_the_answer_lets_go(owner: User, workers: Workers, model: Model) -> None:
    first, second = workers(), workers()
    generation, reply, lost = await begun(first, model, owner)

    await first.lose(generation)

    assert await lost is None and reply.hung_up.is_set()
    assert await texts(generation) == {} and (await row(generation)).status == Status.RUNNING
    assert await second.take(generation) == Status.DONE


async def test_a_save_tells_a_sleeper_that_it_was_replaced(owner: User, workers: Workers, model: Model) -> None:
    first, second = workers(), workers()
    generation, reply, lost = await begun(first, model, owner)
    held = model.will(hold_at=5)
    going_on = second.take(generation)
    await held.said.wait()

    await first.save(generation)

    assert await lost is None and reply.hung_up.is_set()
    held.go_on()
    assert await going_on == Status.DONE
    assert await texts(generation) == {"0.text": WHOLE}


@pytest.mark.parametrize("kept", [0, 1, 2, 3, None], ids=lambda kept: f"{kept} records are left")
async def test_what_redis_lost_and_the_database_has_is_appended(
    owner: User, workers: Workers, model: Model, redis: Redis, kept: int | None
) -> None:
    first, second = workers(), workers()
    generation, _, _ = await begun(first, model, owner)
    await first.save(generation)
    await first.die()
    await keep(redis, generation, kept)

    assert await second.take(generation) == Status.DONE

    assert model.asked[1].begun == "1 2 3 "
    assert await texts(generation) == await logged(generation) == {"0.text": WHOLE}
    assert await restarts(generation) == []


@pytest.mark.parametrize("saved", [True, False], ids=["the database has it", "nobody has it"])
async def test_a_page_keeps_its_text_when_redis_and_the_worker_are_lost_at_once(
    owner: User, workers: Workers, model: Model, redis: Redis, pages: Pages, saved: bool
) -> None:
    first, second = workers(), workers()
    generation, _, _ = await begun(first, model, owner)
    page = await pages(generation.message.conversation_id)
    await page.watch_from(generation)
    await page.until_text(len("1 2 3 "))
    if saved:
        await first.save(generation)
    await first.die()
    await keep(redis, generation, 0)

    assert await second.take(generation) == Status.DONE
    await page.finish()

    assert page.text == await texts(generation) == {"0.text": WHOLE}
    assert not {event["type"] for event in page.events} & {"part.restarted", "answer.resync"}


async def test_a_page_is_told_where_the_text_is_another_one(
    owner: User, workers: Workers, model: Model, redis: Redis, pages: Pages
) -> None:
    first, second = workers(), workers()
    generation, _, _ = await begun(first, model, owner)
    page = await pages(generation.message.conversation_id)
    await page.watch_from(generation)
    await page.until_text(len("1 2 3 "))
    await first.die()
    await keep(redis, generation, 0)
    model.will(words=("one ", "two"))

    assert await second.take(generation) == Status.DONE
    await page.finish()

    assert page.text == await texts(generation) == await logged(generation) == {"0.text": "one two"}
    assert "part.restarted" in {event["type"] for event in page.events}


async def test_a_thought_that_was_cut_off_is_thought_again(owner: User, workers: Workers, model: Model) -> None:
    first, second = workers(), workers()
    generation = await in_database(ask, owner)
    reply = model.will(thinking=("hm ", "so "), hold_at=1)
    first.take(generation)
    await reply.said.wait()
    while not await logged(generation):
        await asyncio.sleep(0)
    await first.die()
    model.will(thinking=("well ",))

    assert await second.take(generation) == Status.DONE
    assert await texts(generation) == await logged(generation) == {"0.thinking": "well ", "0.text": WHOLE}


async def test_two_who_take_it_at_once_write_one_answer(owner: User, workers: Workers) -> None:
    generation = await in_database(ask, owner)

    outcomes = await asyncio.gather(*(workers().take(generation) for _ in range(3)))

    assert Status.DONE in outcomes
    assert await texts(generation) == await logged(generation) == {"0.text": WHOLE}
    assert [isinstance(record, Ended) for record in await records(generation)].count(True) == 1


async def test_an_answer_that_has_ended_is_taken_by_nobody(owner: User, workers: Workers) -> None:
    generation = await in_database(ask, owner)
    await workers().take(generation)
    before = await records(generation)

    assert await workers().take(generation) is None
    assert await records(generation) == before


async def keep(redis: Redis, generation: Generation, count: int | None) -> None:
    """Redis loses all but the first entries of the log; None: it loses nothing."""
    key = stream_log.key_of(generation.pk)
    entries = await redis.xrange(key)
    await redis.delete(key)
    for position, fields in entries[:count]:
        await redis.xadd(key, fields, id=position)


async def test_attempts_are_numbered_in_the_log(owner: User, workers: Workers, model: Model) -> None:
    first, second = workers(), workers()
    generation, _, _ = await begun(first, model, owner)
    await first.die()
    await second.take(generation)

    assert [r.attempt for r in await records(generation) if isinstance(r, Claimed)] == [1, 2]
