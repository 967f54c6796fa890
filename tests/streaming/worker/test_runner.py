"""What a worker process takes from the queue, and what becomes of it."""

from __future__ import annotations

import asyncio

import pytest
from django.contrib.auth.models import User

from conversations.models import Generation
from conversations.models.generation.generation import Status
from conversations.site_time import now
from streaming.coordination import answer_queue
from streaming.coordination.answer_queue import AnswerQueue, Entry
from streaming.coordination.database import in_database
from streaming.coordination.leases import key_of
from streaming.coordination.redis_clients import sync_client
from streaming.worker.runner import Ran, Runner
from tests.streaming.harness import WHOLE, Model, Worker, ask, logged, row, texts
from tests.streaming.queue import WAKE_UPS, empty


@pytest.fixture
def runner(worker: Worker) -> Runner:
    runner = Runner.__new__(Runner)  # in this loop, without a thread of its own
    runner.attempts, runner._draining, runner._context = {}, False, worker.tools
    runner._queue = AnswerQueue(worker.tools.redis, worker.tools.process)
    return runner


def put(generation: Generation, *, is_resuming: bool = False) -> None:
    owner = generation.message.conversation.owner_id
    entry = Entry(owner, generation.pk, generation.accepted_at, is_resuming)
    answer_queue.put(sync_client(), [entry], now(), WAKE_UPS)


async def test_an_answer_whose_lease_redis_lost_goes_on_where_it_runs(
    owner: User, runner: Runner, model: Model
) -> None:
    empty(sync_client())
    generation = await in_database(ask, owner)
    reply = model.will(hold_at=3)
    put(generation)
    running = asyncio.create_task(runner._run_next())
    await reply.said.wait()

    sync_client().delete(key_of(generation.pk))
    put(generation, is_resuming=True)  # a sweep that comes before the lease is renewed

    assert await runner._run_next() == Ran(generation.pk, None)
    reply.go_on()
    assert await running == Ran(generation.pk, Status.DONE)
    assert len(model.asked) == 1 and (await row(generation)).attempt == 1
    assert await texts(generation) == await logged(generation) == {"0.text": WHOLE}
    assert not sync_client().exists(key_of(generation.pk))
    assert await runner._run_next() is None
