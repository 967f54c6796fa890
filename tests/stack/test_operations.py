"""The socket of operators' pages, against the running site."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.site import Site

from .page import Page

PATIENCE_S = 60.0
SERVERS = "/ops/servers/"
NESTED = '{"type":"hide","x":' + 60_000 * "[" + 60_000 * "]" + "}"
OTHERS = ["/", "/ops/cost/file/", "/ops/servers/drain/", "/metrics", "//evil.example/ops/", "/ops/?x=" + 2000 * "x"]


def opened(site: Site, cookie: str, origin: str | None = None) -> connect:
    headers = {"Cookie": f"sessionid={cookie}"}
    return connect(f"ws://127.0.0.1:{site.port}/ws/ops/", additional_headers=headers, origin=origin or site.url)  # type: ignore[arg-type]


async def tell(socket: ClientConnection, type: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": type, **fields}))


class Watcher:
    """A page that acknowledges what it is told."""

    def __init__(self, socket: ClientConnection, address: str = "/ops/"):
        self.socket = socket
        self.address = address
        self.pieces: dict[str, str | None] = {}
        self._frames = 0

    async def show(self) -> dict[str, Any]:
        await tell(self.socket, "show", address=self.address)
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            event: dict[str, Any] = json.loads(await self.socket.recv())
        self._frames += 1
        await tell(self.socket, "ack", frames=self._frames)
        self.pieces |= event.get("pieces", {})
        return event

    async def until(self, piece: str, text: str) -> None:
        while text not in (self.pieces.get(piece) or ""):
            await self.hear()


async def closed_with(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(PATIENCE_S):
        await socket.wait_closed()
    return socket.close_code


async def test_a_page_is_told_all_its_pieces_and_then_those_that_change(site: Site) -> None:
    async with opened(site, site.cookie("otto")) as socket:
        page = Watcher(socket)
        first, second = await page.show(), await page.hear()

    assert first["whole"] and {"at", "troubles"} <= set(first["pieces"])
    assert not second["whole"] and set(second["pieces"]) < set(first["pieces"])


async def test_a_running_answer_appears_on_it(site: Site) -> None:
    async with opened(site, site.cookie("otto")) as socket, Page(site, "alice") as alice:
        page = Watcher(socket, "/ops/processes/")
        await page.show()

        with site.held(3):
            await alice.send("count to 400")

            await page.until("processes", "<dt>Answers running</dt><dd>1 ")
            await alice.stop()
            await alice.finish()


async def test_an_operator_hears_of_anothers_drain(site: Site) -> None:
    name = f"127.0.0.1:{site.model_ports[0]}"
    with site.visitor("otto") as otto:
        otto.get(SERVERS)
        form = {"server": name, "csrfmiddlewaretoken": otto.cookies["csrftoken"]}
        async with opened(site, site.cookie("otto")) as socket:
            page = Watcher(socket, SERVERS)
            await page.show()
            otto.post(f"{SERVERS}drain/", data={**form, "wanted": "drained"})
            await page.until(f"server {name}", "Drained by otto")
            otto.post(f"{SERVERS}drain/", data={**form, "wanted": "used"})
            while "Drained by otto" in (page.pieces[f"server {name}"] or ""):
                await page.hear()
    site.until(lambda text: "yet to hear of it" not in text, SERVERS, "otto")


async def test_who_does_not_read_gets_the_latest_state_only(site: Site) -> None:
    async with opened(site, site.cookie("otto")) as slow, opened(site, site.cookie("otto")) as socket:
        page = Watcher(socket)
        await tell(slow, "show", address="/ops/")
        await slow.recv()
        await page.show()
        for _ in range(3):
            await page.hear()

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await slow.recv()
        await tell(slow, "ack", frames=1)
        latest = json.loads(await slow.recv())

    assert latest["pieces"]["at"] >= (page.pieces["at"] or "")


async def test_a_hidden_page_is_told_nothing_until_it_is_looked_at(site: Site) -> None:
    async with opened(site, site.cookie("otto")) as hidden, opened(site, site.cookie("otto")) as socket:
        first, other = Watcher(hidden), Watcher(socket)
        await first.show()
        await tell(hidden, "hide")
        await other.show()
        for _ in range(3):
            await other.hear()

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await hidden.recv()
        assert (await first.show())["whole"]


@pytest.mark.parametrize("address", OTHERS)
async def test_only_live_operators_pages_are_told_of(site: Site, address: str) -> None:
    async with opened(site, site.cookie("otto")) as socket:
        refused = await Watcher(socket, address).show()

    assert refused == {"type": "refused"}


@pytest.mark.parametrize("frame", ["", "[", '{"type":"ack","frames":"1"}', '{"type":"other"}', NESTED, b"\x00\xff"])
async def test_what_is_no_command_is_refused_and_the_socket_lives(site: Site, frame: str | bytes) -> None:
    async with opened(site, site.cookie("otto")) as socket:
        page = Watcher(socket)
        await socket.send(frame)
        refused = await page.hear()

        assert refused == {"type": "refused"} and (await page.show())["whole"]


@pytest.mark.parametrize("name", ["alice", "rita"])
async def test_who_may_not_see_the_pages_is_sent_away(site: Site, name: str) -> None:
    async with opened(site, site.cookie(name)) as socket:
        assert await closed_with(socket) == 4401


async def test_a_stranger_is_sent_away(site: Site) -> None:
    async with opened(site, "nobody") as socket:
        assert await closed_with(socket) == 4401


async def test_another_sites_page_cannot_open_it(site: Site) -> None:
    with pytest.raises(InvalidStatus):
        await opened(site, site.cookie("otto"), origin="http://evil.example")


async def test_signing_out_closes_it(site: Site) -> None:
    cookie = site.sign_in("otto")
    async with opened(site, cookie) as socket:
        await Watcher(socket).show()
        with site.visitor() as otto:
            otto.cookies["sessionid"] = cookie
            otto.get("/ops/")
            otto.post("/accounts/logout/", data={"csrfmiddlewaretoken": otto.cookies["csrftoken"]})

        assert await closed_with(socket) == 4401


async def test_a_lost_permission_closes_it(site: Site) -> None:
    change = "from django.contrib.auth.models import *; User.objects.get(username='otto').groups.{}"
    async with opened(site, site.cookie("otto")) as socket:
        await Watcher(socket).show()
        site.manage("shell", "--verbosity", "0", "-c", change.format("clear()"))
        try:
            assert await closed_with(socket) == 4401
        finally:
            given = "add(Group.objects.get(name='operators'))"
            site.manage("shell", "--verbosity", "0", "-c", change.format(given))
