"""Whatever changes a conversation, by whichever door and process: all open pages of its owner hear of it at once."""

import asyncio
from collections.abc import Callable

import pytest

from tests.harness.page import PATIENCE_S, Page
from tests.harness.site import Site
from tests.streaming.api.program import Program, csrf_token

Door = Callable[[Site, str], None]  # what is done to this conversation


def by_page(verb: str, **fields: str) -> Door:
    def door(site: Site, conversation: str) -> None:
        with site.visitor("alice") as visitor:
            form = {"csrfmiddlewaretoken": csrf_token(visitor), **fields}
            assert visitor.post(f"/c/{conversation}/{verb}/", data=form).status_code == 302

    return door


def by_program(site: Site, conversation: str) -> None:
    with Program(site, "alice") as program:
        assert program.http.delete(f"/conversations/{conversation}").status_code == 204


def by_command(act: str) -> Door:
    def door(site: Site, conversation: str) -> None:
        site.shell(f"Conversation.objects.filter(pk='{conversation}'){act}")

    return door


def ask_by_program(site: Site, conversation: str) -> None:
    with Program(site, "alice") as program:
        assert program.ask("count to 2", conversation).status_code == 201


def ask_by_command(site: Site, conversation: str) -> None:
    site.manage("ask", "count to 2", "--user", "alice", "--conversation", conversation)


DOORS: dict[str, tuple[Door, str]] = {
    "ask by program": (ask_by_program, "path.changed"),
    "ask by command": (ask_by_command, "path.changed"),
    "rename by page": (by_page("rename", title="Otters"), "conversation.titled"),
    "rename by command": (by_command(".get().rename('Otters')"), "conversation.titled"),
    "delete by page": (by_page("delete"), "conversation.deleted"),
    "delete by program": (by_program, "conversation.deleted"),
    "erase by command": (by_command(".delete()"), "conversation.deleted"),
}


@pytest.mark.parametrize("door", DOORS)
async def test_every_open_page_hears_of_it(site: Site, door: str) -> None:
    act, event = DOORS[door]
    async with Page(site, "alice") as page:
        await page.send("count to 3")
        await page.finish()
        async with Page(site, "alice", page.conversation) as tab, Page(site, "alice") as elsewhere:
            await asyncio.to_thread(act, site, page.conversation)
            heard = [await one.until(event) for one in (page, tab)]
            await elsewhere.until("sidebar.changed")

    assert {told["conversation"] for told in heard} == {page.conversation}


@pytest.mark.parametrize("door", ["delete by page", "delete by program", "erase by command"])
async def test_what_is_written_in_it_stops(site: Site, door: str) -> None:
    act, event = DOORS[door]
    async with Page(site, "alice") as page:
        await page.send("count to 30000")
        await page.until_text(20)
        await asyncio.to_thread(act, site, page.conversation)
        await page.until(event)
        async with asyncio.timeout(PATIENCE_S):
            while site.running():
                await asyncio.sleep(0.05)


async def test_a_page_that_comes_back_learns_what_it_missed(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("count to 3")
        await page.finish()
    by_page("rename", title="Otters")(site, page.conversation)
    by_page("delete")(site, page.conversation)

    async with page:
        deleted = await page.until("conversation.deleted")
        refused = await page.send("and now?")
        by_page("restore")(site, page.conversation)
        await page.until("conversation.restored")

    assert page.hello["title"] == "Otters"
    assert page.hello["latest"] == page.generation
    assert deleted["conversation"] == page.conversation
    assert "was deleted" in refused["message"]


async def test_an_erased_conversation_is_not_found(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("count to 3")
        await page.finish()
        await asyncio.to_thread(by_command(".delete()"), site, page.conversation)
        told = await page.until("conversation.deleted")

    assert told["undo"] is False
    async with Page(site, "alice", "new") as fresh:
        assert fresh.hello["conversation"] is None
