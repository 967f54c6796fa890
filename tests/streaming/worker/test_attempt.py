"""One attempt, from its claim to its end: what is in the log, the database, and at the model server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone
from redis import Redis as PlainRedis
from redis.asyncio import Redis
from redis.exceptions import ConnectionError

from conversations.models import Generation
from conversations.models.generation.generation import Status
from streaming.coordination import database
from streaming.coordination.database import in_database
from streaming.log import stream_log
from streaming.log.records import Ended
from streaming.worker import attempt as attempt_module
from tests.streaming.harness import BEFORE_HEADERS, WHOLE, Model, Worker, ask, logged, records, row, stage, texts

Workers = Callable[[], Worker]


async def ends(generation: Generation) -> list[Ended]:
    return [record for record in await records(generation) if isinstance(record, Ended)]


async def test_an_answer_is_written_stored_and_ended(owner: User, worker: Worker) -> None:
    generation = await in_database(ask, owner)

    assert await worker.take(generation) == Status.DONE

    assert await texts(generation) == await logged(generation) == {"0.text": WHOLE}
    assert (await records(generation))[-1] == Ended(Status.DONE)
    assert (await row(generation)).status == Status.DONE


async def test_thinking_and_text_are_parts_of_their_own(owner: User, worker: Worker, model: Model) -> None:
    generation = await in_database(ask, owner)
    model.will(thinking=("hm ", "so "))
    await worker.take(generation)

    assert await texts(generation) == await logged(generation) == {"0.thinking": "hm so ", "0.text": WHOLE}


@pytest.mark.parametrize(("moment", "kept"), [(BEFORE_HEADERS, {}), (0, {}), (3, {"0.text": "1 2 3 "})])
async def test_a_stop_hangs_up_and_keeps_what_was_shown(
    owner: User, worker: Worker, model: Model, moment: int, kept: dict[str, str]
) -> None:
    generation = await in_database(ask, owner)
    reply = model.will(hold_at=moment)
    answering = worker.take(generation)
    await reply.said.wait()

    await worker.stop(generation)

    assert await answering == Status.STOPPED
    assert reply.hung_up.is_set()
    assert await texts(generation) == await logged(generation) == kept
    assert (await records(generation))[-1] == Ended(Status.STOPPED)


async def test_a_stop_that_was_asked_for_before_it_began_asks_no_model(
    owner: User, worker: Worker, model: Model
) -> None:
    generation = await in_database(ask, owner)
    generation.stop_requested_at = timezone.now()
    await in_database(generation.save)

    assert await worker.take(generation) == Status.STOPPED
    assert model.asked == [] and await ends(generation) == [Ended(Status.STOPPED)]


async def test_a_stop_that_nobody_told_is_found_with_the_next_save(owner: User, worker: Worker, model: Model) -> None:
    generation = await in_database(ask, owner)
    reply = model.will(hold_at=3)
    answering = worker.take(generation)
    await reply.said.wait()
    await in_database((await row(generation)).request_stop)

    await worker.save(generation)

    assert await answering == Status.STOPPED and reply.hung_up.is_set()


async def test_a_stop_behind_the_end_changes_nothing(owner: User, worker: Worker) -> None:
    generation = await in_database(ask, owner)
    await worker.take(generation)
    before = await records(generation)

    await worker.stop(generation)

    assert await records(generation) == before and (await row(generation)).status == Status.DONE


async def test_two_stops_are_one(owner: User, worker: Worker, model: Model) -> None:
    generation = await in_database(ask, owner)
    reply = model.will(hold_at=2)
    answering = worker.take(generation)
    await reply.said.wait()

    await asyncio.gather(worker.stop(generation), worker.stop(generation))

    assert await answering == Status.STOPPED
    assert await ends(generation) == [Ended(Status.STOPPED)]


async def test_the_end_is_stored_before_the_terminal_record(
    owner: User, worker: Worker, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = await in_database(ask, owner)
    tries: list[bool] = []
    finish = Generation.finish

    def reluctant(self: Generation, *args: Any, **fields: Any) -> bool:
        """The first time the database is away."""
        with PlainRedis(unix_socket_path=redis.connection_pool.connection_kwargs["path"]) as plain:
            tries.append(any(b'["e"' in fields[b"r"] for _, fields in plain.xrange(stream_log.key_of(self.pk))))
        if len(tries) == 1:
            raise OperationalError("database is locked")
        return finish(self, *args, **fields)

    monkeypatch.setattr(Generation, "finish", reluctant)
    monkeypatch.setattr(database, "RETRY_DELAYS_S", (0,))

    assert await worker.take(generation) == Status.DONE
    assert tries == [False, False]
    assert await texts(generation) == await logged(generation) == {"0.text": WHOLE}
    assert await ends(generation) == [Ended(Status.DONE)]


# Redis is away at one of its steps


async def test_without_redis_at_the_claim_it_is_left_to_the_next(
    owner: User, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = await in_database(ask, owner)
    claim = stream_log.claim

    async def broken(*_: Any) -> Any:
        monkeypatch.setattr(stream_log, "claim", claim)
        raise ConnectionError("cut by the test")

    monkeypatch.setattr(stream_log, "claim", broken)

    assert await workers().take(generation) is None
    assert await records(generation) == []
    assert await workers().take(generation) == Status.DONE
    assert await texts(generation) == await logged(generation) == {"0.text": WHOLE}


async def test_without_the_database_at_the_claim_it_is_left_to_the_next(
    owner: User, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = await in_database(ask, owner)
    claim = attempt_module.claim

    def broken(*_: Any) -> Any:
        monkeypatch.setattr(attempt_module, "claim", claim)
        raise OperationalError("database is locked")

    monkeypatch.setattr(attempt_module, "claim", broken)

    assert await workers().take(generation) is None
    assert await workers().take(generation) == Status.DONE


@pytest.mark.parametrize("lost", [1, 2, 3, 5, 8])
async def test_a_connection_that_breaks_costs_nothing(owner: User, worker: Worker, redis: Redis, lost: int) -> None:
    generation = await in_database(ask, owner, stage(0), stage(1, waits=True))
    answering = worker.take(generation)
    for _ in range(lost):
        await redis.client_kill_filter(_type="normal", skipme=True)
        await asyncio.sleep(0)

    outcome = await answering
    if outcome is None:  # it broke at the claim
        outcome = await worker.take(generation)

    assert outcome == Status.DONE
    assert await texts(generation) == await logged(generation) == {"0.text": WHOLE, "1.text": WHOLE}


# It is cancelled


class CancelledAt:
    """Awaits something, and cancels it where it waits for the ``turn``-th time."""

    def __init__(self, work: Any, turn: int):
        self._work = work
        self._turn = turn
        self.was_cancelled = False

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._work.__await__()
        error: BaseException | None = None
        for turn in range(10_000):
            try:
                waited_for = steps.throw(error) if error else steps.send(None)
            except StopIteration as end:
                return end.value
            if turn == self._turn:
                self.was_cancelled = True
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield waited_for
            except BaseException as thrown:  # the cancellation, above all
                error = thrown
            else:
                error = None
        raise AssertionError("it never ends")


@pytest.mark.parametrize("stages", [(stage(0),), (stage(0), stage(1), stage(2, waits=True))], ids=["one", "three"])
async def test_wherever_it_is_cancelled_the_next_attempt_makes_the_answer_whole(
    owner: User, workers: Workers, model: Model, stages: tuple[Any, ...]
) -> None:
    whole = {f"{one.number}.text": WHOLE for one in stages}
    turn, was_cancelled = 0, True
    while was_cancelled:
        generation = await in_database(ask, owner, *stages)
        first, asked = workers(), len(model.asked)
        attempt = attempt_module.Attempt(generation.pk, first.tools)
        cancelled = CancelledAt(attempt.run(), turn)
        task = asyncio.ensure_future(awaited(cancelled))
        await asyncio.wait([task])
        was_cancelled = cancelled.was_cancelled
        assert task.cancelled() or task.exception() is None
        assert all(reply.hung_up.is_set() or reply.said.is_set() for reply in model.asked[asked:])

        while not Status((await row(generation)).status).is_final:  # as the sweeper does
            await workers().take(generation)

        assert (await row(generation)).status == Status.DONE
        assert await texts(generation) == await logged(generation) == whole
        assert len(await ends(generation)) <= 1  # none, if it was cancelled between the database and the log
        turn += 1
    assert turn > 5


async def awaited(something: Any) -> Any:
    return await something


async def test_polite_hand_overs_do_not_count_as_lost_attempts(
    owner: User, workers: Callable[[], Worker], model: Model, settings: Any
) -> None:
    settings.MAX_ATTEMPTS = 1
    generation = await in_database(ask, owner)
    for _ in range(3):
        reply, worker = model.will(hold_at=0), workers()
        answering = worker.take(generation)
        await reply.said.wait()
        await worker.hand_over(generation)
        assert await answering is None

    assert await workers().take(generation) == Status.DONE

    stored = await row(generation)
    assert (stored.attempt, stored.hand_overs, stored.lost_attempts) == (4, 3, 0)
    assert await texts(generation) == {"0.text": WHOLE}


async def test_lost_attempts_do_count(owner: User, worker: Worker, settings: Any) -> None:
    settings.MAX_ATTEMPTS = 1
    generation = await in_database(ask, owner)
    assert await in_database(generation.claim)  # by a process that said no more

    assert await worker.take(generation) == Status.FAILED

    assert (await row(generation)).error_code == "too_many_attempts"
