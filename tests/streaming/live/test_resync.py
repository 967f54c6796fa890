"""What the log cannot tell any more, pages are sent to fetch; and whoever watches again sees the answer go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from redis.asyncio import Redis

from conversations.models.chat.message import PartKind
from streaming.coordination.database import in_database
from streaming.log import stream_log
from streaming.log.records import Text, encode
from tests.streaming.harness import WHOLE, Model, Page, Worker, ask, texts

Pages = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is told to fetch the answer watches again when its test says so."""

    async def wait(page: Page, event: dict[str, Any]) -> None:
        assert event["url"].endswith(f"/messages/{page.message}/")

    monkeypatch.setattr(Page, "_watch_again", wait)


async def test_an_answer_whose_log_has_expired_is_fetched(
    owner: User, worker: Worker, redis: Redis, pages: Pages
) -> None:
    generation = await in_database(ask, owner)
    page = await pages(generation.message.conversation_id)
    await worker.take(generation)
    await redis.delete(stream_log.key_of(generation.pk))

    await page.watch_from(generation)

    assert (await page.until("answer.resync", "answer.finished"))["type"] == "answer.resync"


async def test_a_hole_in_the_log_is_told_and_a_later_attempt_fills_it(
    owner: User, workers: Callable[[], Worker], model: Model, redis: Redis, pages: Pages
) -> None:
    first, second = workers(), workers()
    generation = await in_database(ask, owner)
    reply = model.will(hold_at=3)
    page = await pages(generation.message.conversation_id)
    await page.watch_from(generation)
    first.take(generation)
    await reply.said.wait()
    await page.until_text(len("1 2 3 "))
    await first.die()

    beyond = encode(Text(0, PartKind.TEXT, 100, "beyond", 100))
    await redis.xadd(stream_log.key_of(generation.pk), {stream_log.FIELD: beyond}, id="1-1000")
    await page.until("answer.resync")
    await second.take(generation)
    await page.watch_from(generation)
    await page.finish()

    assert page.text == await texts(generation) == {"0.text": WHOLE}
