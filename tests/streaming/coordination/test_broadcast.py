"""What is announced reaches pages and workers, from any thread, and also from a process that ends at once."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from channels.layers import get_channel_layer
from django.conf import settings
from redis.asyncio import Redis

from conversations.events import AccountClosed, Change, ConversationsChanged, StopRequested
from streaming import tasks
from streaming.coordination.broadcast import NAMED_AT_ONCE, Broadcaster
from streaming.coordination.channel_layer import user_group
from streaming.coordination.stop_signal import STOP_CHANNEL

OWNER = 7


@pytest.fixture
def broadcaster() -> Iterator[Broadcaster]:
    made = Broadcaster()
    yield made
    made.close()


class Listener:
    """An open page."""

    def __init__(self, group: str = user_group(OWNER)):
        self.layer: Any = get_channel_layer()
        self._group = group

    async def join(self) -> None:
        self.channel = await self.layer.new_channel()
        await self.layer.group_add(self._group, self.channel)

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(60):
            message: dict[str, Any] = await self.layer.receive(self.channel)
        return message


def test_a_process_that_ends_leaves_no_task_behind() -> None:
    broadcaster = Broadcaster()

    broadcaster.close()

    assert all(sending.done() for sending in broadcaster._sending)


async def test_pages_hear_what_changed(broadcaster: Broadcaster) -> None:
    page, conversation = Listener(), uuid4()
    await page.join()

    broadcaster.send(ConversationsChanged(Change.TITLED, OWNER, (conversation,), title="Otters"))

    heard = await page.hear()
    assert heard["type"] == "conversations.changed"
    assert (heard["change"], heard["conversations"], heard["title"]) == ("titled", [str(conversation)], "Otters")


def test_a_worker_is_told_to_delete_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(current_app, "send_task", told.append)
    broadcaster = Broadcaster()

    broadcaster.send(AccountClosed(OWNER))
    broadcaster.close()

    assert told == [tasks.delete_accounts.name]
    assert told[0] in {row["task"] for row in settings.CELERY_BEAT_SCHEDULE.values()}  # if that was lost


async def test_workers_hear_of_a_stop_though_thousands_of_pages_wait(broadcaster: Broadcaster, redis: Redis) -> None:
    generation = uuid4()
    async with redis.pubsub(ignore_subscribe_messages=True) as control:
        await control.subscribe(STOP_CHANNEL)
        await control.get_message(timeout=30)

        broadcaster.send(ConversationsChanged(Change.ERASED, OWNER, tuple(uuid4() for _ in range(2000))))
        broadcaster.send(StopRequested(generation, OWNER))

        heard = await control.get_message(timeout=30)
    assert heard and heard["data"] == str(generation).encode()


async def test_many_are_named_a_few_at_a_time(broadcaster: Broadcaster) -> None:
    page, several = Listener(), tuple(uuid4() for _ in range(NAMED_AT_ONCE + 1))
    await page.join()

    broadcaster.send(ConversationsChanged(Change.DELETED, OWNER, several))

    first, second = await page.hear(), await page.hear()
    assert [*first["conversations"], *second["conversations"]] == [str(pk) for pk in several]


async def test_a_process_that_ends_sends_what_waits() -> None:
    page, ending = Listener(), Broadcaster()
    await page.join()

    for number in range(5):
        ending.send(ConversationsChanged(Change.TITLED, OWNER, (uuid4(),), title=str(number)))
    await asyncio.to_thread(ending.close)

    assert [(await page.hear())["title"] for _ in range(5)] == ["0", "1", "2", "3", "4"]


async def test_without_redis_nothing_is_raised_and_the_next_is_told(
    broadcaster: Broadcaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Listener()
    await page.join()
    calls: list[str] = []

    async def fail_once(group: str, kind: str, **fields: Any) -> None:
        calls.append(kind)
        if len(calls) == 1:
            raise OSError("away")
        await page.layer.group_send(group, {"type": kind, **fields})

    monkeypatch.setattr("streaming.coordination.broadcast.send_to_group", fail_once)
    for title in ("lost", "told"):
        broadcaster.send(ConversationsChanged(Change.TITLED, OWNER, (uuid4(),), title=title))

    assert (await page.hear())["title"] == "told"
