"""A question is answered, watched, stopped and gone on with, over the real socket."""

from uuid import uuid4

import pytest
from django.conf import settings
from websockets.exceptions import ConnectionClosed

from tests.harness.page import Page
from tests.harness.site import Site


async def test_an_answer_streams_and_is_stored(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("Explain a table with code")
        finished = await page.finish()

    assert finished["status"] == "done"
    assert page.answer == page.stored()
    assert len([event for event in page.events if event["type"] == "text.delta"]) > 20


async def test_the_conversation_gets_an_address_and_a_title(site: Site) -> None:
    async with Page(site, "alice") as page:
        changed = await page.send("What do otters eat for breakfast?")
        await page.finish()
        titled = await page.until("conversation.titled")

    assert changed["url"] == f"/c/{page.conversation}/"
    assert "Otters" in titled["title"]


async def test_the_same_click_twice_is_one_question(site: Site) -> None:
    click = uuid4()
    async with Page(site, "alice") as page, Page(site, "alice") as other:
        first = await page.send("count to 5", click)
        second = await other.send("count to 5", click)
        await page.finish()

    assert first["generation"] == second["generation"]
    assert first["conversation"] == second["conversation"]


async def test_stop_keeps_what_was_shown(site: Site) -> None:
    async with Page(site, "alice") as page:
        with site.held(30):
            await page.send("count to 5000")
            await page.until_text(60)
            await page.stop()
            finished = await page.finish()

    assert finished["status"] == "stopped"
    assert page.answer == page.stored()
    assert len(page.answer.split()) <= 30


async def test_continue_goes_on_where_it_stopped(site: Site) -> None:
    async with Page(site, "alice") as page:
        with site.held(30):
            await page.send("count to 200")
            await page.until_text(60)
            await page.stop()
            await page.finish()
        await page.click("answer.continue")
        finished = await page.finish()

    assert finished["status"] == "done"
    assert page.answer == "".join(f"{n} " for n in range(1, 201)) == page.stored()


async def test_a_complete_answer_cannot_be_continued(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("count to 3")
        await page.finish()
        refused = await page.click("answer.continue")

    assert refused["code"] == "not_continuable"


async def test_another_answer_stands_beside_the_first(site: Site) -> None:
    async with Page(site, "alice") as page:
        first = await page.send("count to 4")
        await page.finish()
        again = await page.click("answer.regenerate")
        await page.finish()

    assert again["parent"] == first["messages"][0]["id"]
    assert [message["role"] for message in again["messages"]] == ["assistant"]
    assert again["messages"][0]["id"] != first["messages"][1]["id"]


async def test_an_edited_question_stands_beside_the_first(site: Site) -> None:
    async with Page(site, "alice") as page:
        first = await page.send("count to 4")
        await page.finish()
        edited = await page.send("count to 6", edits=first["messages"][0]["id"])
        await page.finish()

    assert edited["parent"] is None
    assert page.answer == "1 2 3 4 5 6 "


async def test_a_second_question_waits_for_the_first_answer(site: Site) -> None:
    async with Page(site, "alice") as page:
        with site.held(3):
            await page.send("count to 500")
            refused = await page.send("and now?")
            await page.stop()
            await page.finish()

    assert refused["code"] == "answer_pending"


async def test_thinking_is_a_part_of_its_own(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("[think] What is a thread?")
        await page.finish()

    assert "The user asks" in page.text["0.thinking"]
    assert "The user asks" not in page.answer


async def test_the_model_is_told_what_was_said_before(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("count to 2")
        await page.finish()
        second = await page.send("count to 3")
        await page.finish()

    assert second["parent"] is not None
    assert page.answer == "1 2 3 "


async def test_characters_beyond_the_basic_plane_are_counted_right(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("[echo] 😀 مرحبا **fett** 日本語 👩‍👩‍👧 end")
        await page.finish()

    assert page.answer == "😀 مرحبا **fett** 日本語 👩‍👩‍👧 end" == page.stored()


async def test_an_answer_whose_html_is_larger_than_any_command_arrives(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("[[demo rate=0]] [echo] " + ("$x_1^2$ " * 200 + "\n\n") * 9)
        await page.finish()
        async with Page(site, "alice", page.conversation) as late:  # gets all of it with the end
            late.generation = page.generation
            await late.watch()
            finished = await late.finish()

    assert len(str(finished["html"])) > settings.FRAME_MAX_BYTES
    assert late.answer == page.stored()


async def test_a_command_of_many_frames_above_the_limit_of_one_cuts_the_socket_off(site: Site) -> None:
    async with Page(site, "alice") as page:
        with pytest.raises(ConnectionClosed):
            await page.socket.send(iter(["x" * 100_000, "x" * 100_000]))
            await page.until("error")
