"""What is not allowed, not understood or not possible has a code and a sentence, and breaks nothing."""

from uuid import uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.harness.page import Page
from tests.harness.site import Site

BAD_FRAMES = ["", "[", "null", "{}", '{"type":"unknown"}', '{"type":"message.send","id":1}', "[" * 50_000, b"\x00\xff"]


@pytest.mark.parametrize("frame", BAD_FRAMES)
async def test_a_frame_that_is_no_command_is_answered_and_the_socket_lives(site: Site, frame: str | bytes) -> None:
    async with Page(site, "alice") as page:
        await page.socket.send(frame)
        refused = await page.until("error")
        await page.tell("ping")
        await page.until("pong")

    assert refused["code"] == "bad_command"


@pytest.mark.parametrize(("text", "code"), [("", "empty"), (" \n\t ", "empty"), ("x" * 32_001, "too_long")])
async def test_a_question_that_cannot_be_asked_is_refused_with_a_sentence(site: Site, text: str, code: str) -> None:
    async with Page(site, "alice") as page:
        click = uuid4()
        refused = await page.send(text, click)

    assert (refused["code"], refused["request"]) == (code, str(click))
    assert refused["message"].endswith(".")


async def test_characters_that_no_database_takes_are_replaced(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.tell("message.send", id=uuid4(), text="[echo] a\0b")
        await page.path()
        await page.finish()

    assert page.answer == "a\ufffdb"


async def test_bob_cannot_open_watch_or_stop_what_is_alices(site: Site) -> None:
    async with Page(site, "alice") as page, Page(site, "bob") as bob:
        await page.send("count to 300")
        await bob.tell("answer.watch", generation=page.generation)
        watching = await bob.until("error")
        await bob.tell("answer.stop", generation=page.generation)
        stopping = await bob.until("error")
        finished = await page.finish()

    assert (watching["code"], stopping["code"]) == ("unknown_message", "unknown_message")
    assert finished["status"] == "done"


@pytest.mark.parametrize("conversation", ["alices", str(uuid4())])
async def test_another_users_conversation_is_not_found(site: Site, conversation: str) -> None:
    async with Page(site, "alice") as page:
        await page.send("count to 2")
        await page.finish()
    wanted = page.conversation if conversation == "alices" else conversation

    async with connect(
        f"ws://127.0.0.1:{site.port}/ws/chat/{wanted}/",
        additional_headers={"Cookie": f"sessionid={site.cookie('bob')}"}, origin=site.url,  # type: ignore[arg-type]
    ) as socket:  # fmt: skip
        await socket.wait_closed()

    assert socket.close_code == 4404


async def test_a_stranger_is_sent_to_sign_in(site: Site) -> None:
    async with connect(f"ws://127.0.0.1:{site.port}/ws/chat/new/", origin=site.url) as socket:  # type: ignore[arg-type]
        await socket.wait_closed()

    assert socket.close_code == 4401


@pytest.mark.parametrize("origin", [None, "https://127.0.0.1", "http://evil.example", "http://127.0.0.1:1"])
async def test_other_sites_pages_cannot_open_a_socket(site: Site, origin: str | None) -> None:
    with pytest.raises(InvalidStatus):
        await connect(
            f"ws://127.0.0.1:{site.port}/ws/chat/new/",
            additional_headers={"Cookie": f"sessionid={site.cookie('alice')}"}, origin=origin,  # type: ignore[arg-type]
        )  # fmt: skip


async def test_signing_out_closes_the_open_sockets(site: Site) -> None:
    cookie = site.sign_in("bob")
    async with Page(site, "bob", cookie=cookie) as page:
        with site.visitor() as visitor:
            visitor.cookies["sessionid"] = cookie
            visitor.get("/settings/")
            form = {"csrfmiddlewaretoken": visitor.cookies["csrftoken"]}
            visitor.post("/accounts/logout/", data=form)

        assert await page.close_code() == 4401


async def test_too_many_commands_close_the_socket(site: Site) -> None:
    async with Page(site, "bob") as page:
        for _ in range(120):
            await page.tell("ping")

        assert await page.close_code() == 4429
