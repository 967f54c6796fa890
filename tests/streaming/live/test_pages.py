"""Pages of one answer: whoever comes, when, and with whatever account of what is there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import SyncToAsync
from django.contrib.auth.models import User

from conversations.models import Generation
from streaming.coordination.channel_layer import send_to_group, user_group
from streaming.coordination.database import in_database
from streaming.protocol import CLOSE_NOT_FOUND
from tests.streaming.harness import PATIENCE_S, WHOLE, Model, Page, Worker, ask, texts, turns

Pages = Callable[..., Any]


@pytest.fixture
async def bob(owner: User) -> User:
    return await in_database(User.objects.create_user, "bob", "bob@example.com", "secret")


async def test_a_page_that_joins_in_the_middle_gets_everything(
    owner: User, worker: Worker, model: Model, pages: Pages
) -> None:
    generation = await in_database(ask, owner)
    reply = model.will(hold_at=4)
    worker.take(generation)
    await reply.said.wait()

    page = await pages(generation.message.conversation_id)
    assert page.hello["unfinished"] == [str(generation.pk)]
    await page.watch_from(generation)
    await page.until_text(len("1 2 3 4 "))
    reply.go_on()
    finished = await page.finish()

    assert finished["status"] == "done"
    assert page.text == await texts(generation) == {"0.text": WHOLE}


async def test_a_page_that_joins_at_the_end_gets_everything(owner: User, worker: Worker, pages: Pages) -> None:
    generation = await in_database(ask, owner)
    await worker.take(generation)

    page = await pages(generation.message.conversation_id)
    await page.watch_from(generation)
    await page.finish()

    assert page.text == {"0.text": WHOLE}


async def test_two_tabs_show_the_same(owner: User, worker: Worker, model: Model, pages: Pages) -> None:
    generation = await in_database(ask, owner)
    reply = model.will(hold_at=4, thinking=("hm ",))
    tabs = [await pages(generation.message.conversation_id) for _ in range(2)]
    for tab in tabs:
        await tab.watch_from(generation)
    worker.take(generation)
    await reply.said.wait()
    reply.go_on()
    for tab in tabs:
        await tab.finish()

    assert tabs[0].text == tabs[1].text == await texts(generation)


async def test_a_stop_in_one_tab_ends_the_answer_in_the_other(
    owner: User, worker: Worker, model: Model, pages: Pages
) -> None:
    generation = await in_database(ask, owner)
    reply = model.will(hold_at=4)
    tabs = [await pages(generation.message.conversation_id) for _ in range(2)]
    for tab in tabs:
        await tab.watch_from(generation)
    worker.take(generation)
    await reply.said.wait()

    await tabs[0].stop()
    await tabs[0].tell("ping")
    await tabs[0].until("pong")  # handled in turn: the stop is in the database
    await worker.save(generation)

    assert [(await tab.finish())["status"] for tab in tabs] == ["stopped", "stopped"]
    assert tabs[0].text == tabs[1].text == await texts(generation) == {"0.text": "1 2 3 4 "}


async def test_from_every_event_of_an_answer_a_page_gets_the_rest(
    owner: User, worker: Worker, model: Model, pages: Pages
) -> None:
    generation = await in_database(ask, owner)
    model.will(words=("One *two* ", "😀.\n\n", "- three\n- ", "four\n\n", "Five."), turns=40)
    first = await pages(generation.message.conversation_id)
    await first.watch_from(generation)
    worker.take(generation)
    await first.finish()
    told = [event for event in first.events if event["type"] in ("text.delta", "blocks.done", "part.restarted")]
    whole = await texts(generation)

    back = await pages(generation.message.conversation_id)
    for count in range(len(told) + 1):
        back.generation, back.text, back.blocks, back.positions = str(generation.pk), {}, {}, {}
        for event in told[:count]:
            back._fold(event)
        await back.watch()
        await back.finish()
        assert back.text == whole


@pytest.mark.parametrize("seen", [{"0.text": [10**6, 10**6]}, {"9.strange": [5, 3]}, {"0.text": [3, 2]}])
async def test_a_page_that_claims_what_cannot_be_ends_with_the_right_text(
    owner: User, worker: Worker, pages: Pages, seen: dict[str, list[int]]
) -> None:
    generation = await in_database(ask, owner)
    await worker.take(generation)
    page: Page = await pages(generation.message.conversation_id)
    page.text = {"0.text": WHOLE[: seen.get("0.text", [0])[0]]}

    await page.tell("answer.watch", generation=generation.pk, position="nonsense", seen=seen)
    await page.finish()

    assert page.text == {"0.text": WHOLE}


async def test_who_may_not_see_a_conversation_neither_opens_nor_watches_nor_stops_it(
    owner: User, bob: User, worker: Worker, model: Model, pages: Pages
) -> None:
    generation = await in_database(ask, owner)
    reply = model.will(hold_at=2)
    answering = worker.take(generation)
    await reply.said.wait()

    stranger = await pages("new", bob)
    codes = []
    for command in ("answer.watch", "answer.stop"):
        await stranger.tell(command, generation=generation.pk)
        codes.append((await stranger.until("error"))["code"])
    closed = await in_database(Page, bob, str(generation.message.conversation_id))

    assert codes == ["unknown_message", "unknown_message"]
    assert await closed.refused_with() == CLOSE_NOT_FOUND
    assert not reply.hung_up.is_set()
    reply.go_on()
    await answering


async def test_a_socket_that_is_cancelled_watches_nothing_more(
    owner: User, worker: Worker, model: Model, pages: Pages
) -> None:
    generation = await in_database(ask, owner)
    reply = model.will(hold_at=3)
    gone, stays = [await pages(generation.message.conversation_id) for _ in range(2)]
    for page in (gone, stays):
        await page.watch_from(generation)
    worker.take(generation)
    await reply.said.wait()

    await gone.vanish()
    reply.go_on()
    await stays.finish()

    assert stays.text == {"0.text": WHOLE}
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert names.count("feed of a page") == 1


async def test_a_socket_that_is_cancelled_ends_whatever_the_thread_of_channels_does(owner: User, pages: Pages) -> None:
    """A cancellation that met asgiref's SyncToAsync was forgotten, and the socket lived for ever."""
    page = await pages()
    release, busy = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    held = SyncToAsync.single_thread_executor.submit(lambda: (loop.call_soon_threadsafe(busy.set), release.wait()))
    await busy.wait()
    try:
        await page.tell("ping")
        await page.until("pong")
        await page.tell("ping")
        await turns(3)
        async with asyncio.timeout(PATIENCE_S):
            await page.vanish()
    finally:
        release.set()
    await asyncio.wrap_future(held)


async def test_a_question_that_nobody_sees_is_refused_as_an_empty_one(owner: User, pages: Pages) -> None:
    page = await pages()

    await page.tell("message.send", id=uuid4(), text="\u2060 \ufeff")

    assert (await page.until("error"))["code"] == "empty"


async def test_a_hint_of_another_version_ends_no_socket(owner: User, pages: Pages) -> None:
    page = await pages()

    await send_to_group(user_group(owner.pk), "something.new", what=1)
    await send_to_group(
        user_group(owner.pk), "conversations.changed", change="invented", conversations=[], title="", request=""
    )

    assert (await page.until("sidebar.changed", "error"))["type"] == "sidebar.changed"


async def test_a_page_asks_and_gets_its_answer(owner: User, worker: Worker, model: Model, pages: Pages) -> None:
    page = await pages()
    await page.send("count")
    generation = await in_database(Generation.objects.select_related("message").get, pk=page.generation)
    await worker.take(generation)
    await page.finish()

    assert page.text == {"0.text": WHOLE}
