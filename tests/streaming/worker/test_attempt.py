"""One attempt, from its claim to its end: what is in the log, the database, and at the model server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from conversations.models.generation import Status
from streaming.database import in_database
from streaming.log.records import Ended

from ..harness import WHOLE, Model, Worker, ask, logged, records, row, texts


async def test_an_answer_is_written_stored_and_ended(owner: User, worker: Worker) -> None:
    generation = await in_database(ask, owner)

    assert await worker.take(generation) == Status.DONE

    assert await texts(generation) == await logged(generation) == {"0.text": WHOLE}
    assert (await records(generation))[-1] == Ended(Status.DONE)
    assert (await row(generation)).status == Status.DONE


async def test_a_stop_hangs_up_and_keeps_what_was_shown(owner: User, worker: Worker, model: Model) -> None:
    generation = await in_database(ask, owner)
    reply = model.will(hold_at=3)
    answering = worker.take(generation)
    await reply.said.wait()

    await worker.stop(generation)

    assert await answering == Status.STOPPED
    assert reply.hung_up.is_set()
    assert await texts(generation) == await logged(generation) == {"0.text": "1 2 3 "}


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
