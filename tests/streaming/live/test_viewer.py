"""What pages are told while an answer is written: every character once and in order, whoever comes when, and however
slow a socket is to take it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from streaming.coordination.database import in_database
from tests.streaming.harness import WHOLE, Model, Worker, ask, texts

Pages = Callable[..., Any]
MANY = tuple(f"{n}\n\n" for n in range(200))  # each of them a block, which is rendered at once


async def test_a_page_with_a_socket_that_suspends_has_no_hole(
    owner: User, worker: Worker, model: Model, pages: Pages
) -> None:
    turns = itertools.cycle([0, 60, 1, 200, 20])  # of the loop, before a frame is taken

    async def pause() -> None:
        for _ in range(next(turns)):
            await asyncio.sleep(0)

    generation = await in_database(ask, owner)
    model.will(words=MANY, turns=5)
    page = await pages(generation.message.conversation_id, pause=pause)
    await page.watch_from(generation)
    worker.take(generation)

    finished = await page.finish()

    assert finished["status"] == "done"
    assert page.text == await texts(generation) == {"0.text": "".join(MANY)}


async def test_a_page_that_is_slow_to_take_frames_holds_up_no_other(owner: User, worker: Worker, pages: Pages) -> None:
    may_take = asyncio.Event()
    generation = await in_database(ask, owner)
    quick = await pages(generation.message.conversation_id)
    may_take.set()
    slow = await pages(generation.message.conversation_id, pause=may_take.wait)
    may_take.clear()
    for page in (slow, quick):
        await page.watch_from(generation)

    worker.take(generation)
    await quick.finish()
    may_take.set()
    await slow.finish()

    assert quick.text == slow.text == {"0.text": WHOLE}
