"""Whose turn it is: users in turn, each with no more answers at a time than the limit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from streaming.coordination import answer_queue
from streaming.coordination.answer_queue import AnswerQueue
from streaming.coordination.redis_clients import sync_client
from tests.streaming.queue import BEGAN, EMPTIED, IS_THERE, WAKE_UPS, Line, empty


@pytest.fixture
def store() -> Iterator[Redis]:
    client = sync_client()
    empty(client)
    yield client
    empty(client)


@pytest.fixture
async def line(store: Redis, redis: AsyncRedis, settings: Any) -> Line:
    settings.RUNNING_ANSWERS_PER_USER = 2
    return Line(store, redis)


async def test_users_are_served_in_turn(line: Line, settings: Any) -> None:
    settings.RUNNING_ANSWERS_PER_USER = 100
    line.put(*(f"alice{n}" for n in range(5)), "bob1", "carol1", "bob2")

    assert await line.take_all() == ["alice0", "bob1", "carol1", "alice1", "bob2", "alice2", "alice3", "alice4"]


async def test_three_hundred_of_one_user_do_not_delay_anothers_one(line: Line) -> None:
    line.put(*(f"alice{n}" for n in range(300)))
    assert await line.take_all() == ["alice0", "alice1"]

    line.put("bob1")

    assert await line.take_all() == ["bob1"]


async def test_whoever_is_at_the_limit_goes_on_as_soon_as_one_has_ended(line: Line) -> None:
    line.put("alice1", "alice2", "alice3")
    assert await line.take_all() == ["alice1", "alice2"]

    await line.end("alice2")

    assert await line.take_all() == ["alice3"]


async def test_the_limit_counts_answers_of_all_processes(line: Line) -> None:
    line.put("alice1", "alice2", "alice3")

    assert [await line.take(process) for process in ("one", "two", "three")] == ["alice1", "alice2", None]


async def test_a_killed_process_locks_nobody_out(line: Line) -> None:
    line.put("alice1", "alice2", "alice3", "alice4")
    assert await line.take_all() == ["alice1", "alice2"]

    line.lose("alice1")
    line.lose("alice2")

    assert await line.take_all() == ["alice3", "alice4"]


async def test_an_interrupted_answer_comes_first_and_needs_no_second_place(line: Line) -> None:
    line.put("alice1", "alice2", "alice3", "bob1")
    assert await line.take_all() == ["alice1", "bob1", "alice2"]
    line.put("carol1")

    line.lose("alice1")
    line.put("alice1", is_resuming=True)

    assert await line.take_all() == ["alice1", "carol1"]


async def test_a_redis_that_was_emptied_takes_nothing_to_be_interrupted_for_a_while(line: Line) -> None:
    line.store.delete(IS_THERE)

    line.put("alice1", "bob1", is_resuming=True)
    line.put("alice2")

    assert await line.take_all() == ["alice2"]
    line.store.delete(EMPTIED)  # as it does by itself
    line.put("alice1", "bob1", is_resuming=True)
    assert await line.take_all() == ["alice1", "bob1"]


async def test_what_is_put_in_twice_is_taken_once(line: Line) -> None:
    line.put("alice1")
    line.put("alice1")
    assert await line.take() == "alice1"

    line.put("alice1")  # a sweep that knows it from the database

    assert await line.take() is None


async def test_a_taken_answer_has_a_lease_and_the_moment_at_which_it_was_put_in(line: Line) -> None:
    line.put("alice1")

    taken = await AnswerQueue(line.redis, "worker").take()

    assert taken is not None
    assert (taken.user, taken.dispatched_at) == (line.user("alice"), BEGAN)
    assert line.store.get(f"throughline:lease:{taken.generation}") == b"worker"


async def test_a_stopped_answer_takes_nobodys_turn(line: Line) -> None:
    line.put("alice1", "bob1")

    await answer_queue.withdraw(line.redis, line.user("alice"), line.id_of("alice1"))

    assert await line.take_all() == ["bob1"]


async def test_what_redis_lost_is_put_in_again(line: Line) -> None:
    line.put("alice1", "alice2", "bob1")
    assert await line.take() == "alice1"
    for key in line.store.scan_iter(f"{answer_queue.PREFIX}*"):
        line.store.delete(key)

    line.put("alice1", "alice2", "alice3", "bob1")

    assert line.ready == 2  # alice1 runs: one more of hers may
    assert await line.take_all() == ["alice2", "bob1"]


async def test_places_tell_who_comes_before(line: Line) -> None:
    line.put("alice1", "alice2", "alice3", "bob1", "carol1", "carol2")

    assert await line.places("alice", "bob", "carol") == {
        "alice1": (0, False),
        "alice2": (3, False),
        "alice3": (5, False),
        "bob1": (1, False),
        "carol1": (2, False),
        "carol2": (4, False),
    }
    order = await line.take_all()
    assert order[:3] == ["alice1", "bob1", "carol1"]


async def test_places_are_the_order_in_which_answers_are_taken(line: Line, settings: Any) -> None:
    settings.RUNNING_ANSWERS_PER_USER = 100
    line.put(
        *(f"{user}{n}" for user, count in (("alice", 7), ("bob", 2), ("carol", 1), ("dora", 5)) for n in range(count))
    )

    places = await line.places("dora", "alice", "carol", "bob")

    assert sorted(places.values()) == [(ahead, False) for ahead in range(15)]
    assert sorted(places, key=places.__getitem__) == await line.take_all()


async def test_places_of_one_at_the_limit_count_only_what_is_theirs(line: Line) -> None:
    line.put(*(f"alice{n}" for n in range(5)))
    await line.take_all()
    line.put("bob1")

    assert await line.places("alice", "bob") == {
        "alice2": (0, True),
        "alice3": (1, True),
        "alice4": (2, True),
        "bob1": (0, False),
    }


async def test_no_answer_is_held_back_by_a_queue_of_wake_ups(line: Line, store: Redis) -> None:
    store.rpush(WAKE_UPS, "a wake-up", "another")

    ready, unreceived = answer_queue.put(store, [line.entry("alice1")], BEGAN, WAKE_UPS)

    assert (ready, unreceived) == (1, 2)


async def test_five_thousand_are_put_in_with_one_round_trip(
    line: Line, store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    pipeline = store.pipeline(transaction=False)
    execute = pipeline.execute
    monkeypatch.setattr(store, "pipeline", lambda **_: pipeline)
    monkeypatch.setattr(pipeline, "execute", lambda: sent.append(len(pipeline)) or execute())
    waiting = [answer_queue.Entry(user, uuid4(), BEGAN) for user in range(500) for _ in range(10)]

    ready, _ = answer_queue.put(store, iter(waiting), BEGAN, WAKE_UPS)

    assert len(sent) == 1
    assert sent[0] == len(waiting) / answer_queue.BATCH + 1
    assert ready == answer_queue.MOST_READY
    assert store.zcard(f"{answer_queue.PREFIX}turns") == 500
