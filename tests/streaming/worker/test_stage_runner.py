"""Stages side by side: one that fails, raises or runs out of time, and what becomes of the others."""

from __future__ import annotations

import asyncio

import pytest
from django.contrib.auth.models import User

from conversations.models.generation.errors import ErrorCode
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import StageStatus
from streaming.coordination.database import in_database
from streaming.log.records import Ended, Noticed, StageIs
from tests.streaming.harness import BEFORE_HEADERS, WHOLE, Model, Worker, ask, logged, records, row, stage, texts, turns


async def notices(generation: object) -> list[str]:
    return [record.message for record in await records(generation) if isinstance(record, Noticed)]  # type: ignore[arg-type]


async def test_stages_that_need_nothing_are_written_side_by_side(owner: User, worker: Worker, model: Model) -> None:
    generation = await in_database(ask, owner, stage(0), stage(1))
    first, second = model.will(hold_at=2), model.will(hold_at=4)
    answering = worker.take(generation)
    await first.said.wait()
    await second.said.wait()

    first.go_on()
    second.go_on()

    assert await answering == Status.DONE
    assert await texts(generation) == await logged(generation) == {"0.text": WHOLE, "1.text": WHOLE}


async def test_a_stage_that_waits_gets_what_the_earlier_ones_wrote(owner: User, worker: Worker, model: Model) -> None:
    generation = await in_database(ask, owner, stage(0), stage(1, waits=True))
    first = model.will(words=("a draft",))

    assert await worker.take(generation) == Status.DONE

    assert "a draft" not in str(first.question)
    assert "a draft" in str(model.asked[1].question)


@pytest.mark.parametrize(("moment", "written"), [(BEFORE_HEADERS, {}), (0, {}), (2, {"0.text": "1 2 "})])
async def test_a_stage_that_raises_ends_the_others_and_nothing_follows_the_end(
    owner: User, worker: Worker, model: Model, moment: int, written: dict[str, str]
) -> None:
    generation = await in_database(ask, owner, stage(0), stage(1))
    sibling = model.will(hold_at=moment)
    raising = model.will(hold_at=1, raises=RuntimeError("a fault of ours"))
    answering = worker.take(generation)
    await sibling.said.wait()
    raising.go_on()

    assert await answering == Status.FAILED
    sibling.go_on()
    await turns(50)

    assert sibling.hung_up.is_set()
    assert (await records(generation))[-1] == Ended(Status.FAILED, ErrorCode.INTERNAL)
    assert await texts(generation) == await logged(generation) == written | {"1.text": WHOLE}
    assert {result.status for result in (await row(generation)).stage_results.values()} == {StageStatus.FAILED}


async def test_a_stage_that_fails_is_left_out(owner: User, worker: Worker, model: Model) -> None:
    generation = await in_database(ask, owner, stage(0), stage(1))
    sibling = model.will(hold_at=2)
    model.will(status=401)
    answering = worker.take(generation)
    await sibling.said.wait()
    while not await notices(generation):
        await turns(1)
    sibling.go_on()

    assert await answering == Status.DONE
    assert await notices(generation) == ["Stage 1 failed and was skipped."]
    assert await texts(generation) == {"0.text": WHOLE}
    assert (await row(generation)).outcomes["1"]["error_code"] == ErrorCode.UNAUTHORISED


async def test_a_stage_that_takes_too_long_is_left_out_and_its_server_let_go(
    owner: User, worker: Worker, model: Model
) -> None:
    generation = await in_database(ask, owner, stage(0), stage(1, timeout_s=0.05))
    sibling, slow = model.will(hold_at=2), model.will(hold_at=3)
    answering = worker.take(generation)
    await slow.hung_up.wait()
    sibling.go_on()

    assert await answering == Status.DONE
    assert await notices(generation) == ["Stage 1 took too long and was skipped."]
    assert (await row(generation)).outcomes["1"]["status"] == "timeout"
    assert await texts(generation) == await logged(generation)


async def test_a_stage_that_waits_goes_on_behind_one_that_failed(owner: User, worker: Worker, model: Model) -> None:
    generation = await in_database(ask, owner, stage(0), stage(1, waits=True))
    model.will(status=401)

    assert await worker.take(generation) == Status.DONE
    assert await texts(generation) == {"1.text": WHOLE}


async def test_an_answer_fails_if_every_stage_does(owner: User, worker: Worker, model: Model) -> None:
    generation = await in_database(ask, owner, stage(0), stage(1))
    model.will(status=401)
    model.will(status=401)

    assert await worker.take(generation) == Status.FAILED
    assert (await records(generation))[-1] == Ended(Status.FAILED, ErrorCode.UNAUTHORISED)


@pytest.mark.parametrize("moment", [BEFORE_HEADERS, 0, 3])
async def test_a_stop_ends_every_stage(owner: User, worker: Worker, model: Model, moment: int) -> None:
    generation = await in_database(ask, owner, stage(0), stage(1), stage(2, waits=True))
    running = [model.will(hold_at=moment), model.will(hold_at=moment)]
    answering = worker.take(generation)
    await asyncio.gather(*(reply.said.wait() for reply in running))

    await worker.stop(generation)

    assert await answering == Status.STOPPED
    assert all(reply.hung_up.is_set() for reply in running) and len(model.asked) == 2
    assert await texts(generation) == await logged(generation)
    statuses = {number: outcome["status"] for number, outcome in (await row(generation)).outcomes.items()}
    assert statuses == {"0": "stopped", "1": "stopped", "2": "skipped"}


async def test_stages_are_told_as_they_go(owner: User, worker: Worker) -> None:
    generation = await in_database(ask, owner, stage(0), stage(1, waits=True))
    await worker.take(generation)

    told = [(r.stage, r.status.value) for r in await records(generation) if isinstance(r, StageIs)]

    assert told == [(0, "waiting"), (1, "waiting"), (0, "running"), (0, "done"), (1, "running"), (1, "done")]
