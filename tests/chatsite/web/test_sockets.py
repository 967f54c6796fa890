"""How much a socket takes in before its consumer has looked at it, and from whom."""

from __future__ import annotations

import asyncio
import base64
import os
import zlib
from types import SimpleNamespace
from typing import Any

import pytest
from daphne.ws_protocol import WebSocketFactory
from pytest_django import Settings
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from chatsite.web.accepting import SIGNED_IN
from chatsite.web.sockets import (
    FRAMES_AT_ONCE,
    FRAMES_OF_A_MESSAGE,
    MESSAGES_WAITING,
    STRANGERS_BYTES,
    Inbox,
    Socket,
    factory_options,
)

TEXT, CONTINUED, CLOSE, PING, PONG, COMPRESSED, FINAL = 1, 0, 8, 9, 10, 0x40, 0x80


class Server:
    """As far as sockets know it."""

    root_path = ""
    proxy_forwarded_address_header = None

    def protocol_connected(self, protocol: Any) -> None: ...

    def protocol_disconnected(self, protocol: Any) -> None: ...

    def log_action(self, *arguments: Any) -> None: ...

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Inbox:
        return Inbox(protocol)


class Page:
    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        factory = WebSocketFactory(Server(), "ws://localhost", reactor=Clock())
        factory.protocol = Socket
        factory._batched_timer = SimpleNamespace(call_later=lambda *_: SimpleNamespace(cancel=lambda: None))
        factory.setProtocolOptions(**factory_options(), openHandshakeTimeout=0)
        self.transport = StringTransport()
        self.transport.connected = True
        self.transport.registerProducer(SimpleNamespace(), True)  # as the request was
        self.socket = factory.buildProtocol(None)
        self.socket._raw_query_string = b""
        self.socket.makeConnection(self.transport)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET / HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Extensions: permessage-deflate",
        ]
        self.socket.dataReceived("\r\n".join([*lines, "", ""]).encode())

    async def accept(self, *, signed_in: bool = True) -> Page:
        assert (await self.next())["type"] == "websocket.connect"
        self.socket.handle_reply({"type": "websocket.accept", SIGNED_IN: signed_in})
        self.answer = self.transport.value()
        return self

    def send(self, payload: bytes = b"", first: int = FINAL | TEXT, times: int = 1) -> None:
        self.socket.dataReceived(frame(payload, first) * times)

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.socket.application_queue.get(), 30)

    @property
    def waiting(self) -> int:
        return int(self.socket.application_queue.qsize())

    @property
    def is_read(self) -> bool:
        return bool(self.transport.producerState == "producing")

    @property
    def is_cut_off(self) -> bool:
        return bool(self.transport.disconnecting)


def frame(payload: bytes, first: int) -> bytes:
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 127]) + size.to_bytes(8, "big")
    if 126 <= size < 65536:
        length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([first]) + length + b"\0\0\0\0" + payload


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(monkeypatch)


async def test_a_page_that_sends_more_than_is_taken_is_not_read(page: Page) -> None:
    await page.accept()

    page.send(b"{}", times=50)
    assert page.waiting == MESSAGES_WAITING
    assert not page.is_read

    texts = [(await page.next())["text"] for _ in range(50)]
    assert texts == ["{}"] * 50
    await asyncio.sleep(0)
    assert page.is_read


async def test_one_socket_does_not_keep_the_others_waiting(page: Page) -> None:
    await page.accept()

    page.send(first=FINAL | PONG, times=10 * FRAMES_AT_ONCE)
    assert len(page.socket.data) > 0
    assert not page.is_read

    for _ in range(10 * FRAMES_AT_ONCE):
        await asyncio.sleep(0)
    assert page.is_read
    assert not page.socket.data


async def test_a_page_that_pings_without_end_is_cut_off(page: Page, settings: Settings) -> None:
    await page.accept()

    for _ in range(settings.COMMANDS_PER_10_S + 1):
        assert not page.is_cut_off
        page.send(first=FINAL | PING)
        await asyncio.sleep(0)

    assert page.is_cut_off


async def test_a_page_that_goes_on_after_it_was_closed_is_cut_off(page: Page) -> None:
    await page.accept()
    page.socket.handle_reply({"type": "websocket.close", "code": 4429})

    for _ in range(FRAMES_AT_ONCE):
        page.send(b"{}")
        await asyncio.sleep(0)

    assert page.is_cut_off


async def test_a_message_of_endless_empty_frames_ends_the_socket(page: Page) -> None:
    await page.accept()

    page.send(first=TEXT)
    for _ in range(FRAMES_OF_A_MESSAGE):
        page.send(first=CONTINUED)
        await asyncio.sleep(0)

    assert page.is_cut_off


async def test_a_message_is_as_long_as_a_command_may_be(page: Page, settings: Settings) -> None:
    await page.accept()

    page.send(b"x" * settings.FRAME_MAX_BYTES)
    assert len((await page.next())["text"]) == settings.FRAME_MAX_BYTES

    page.send(b"x" * (settings.FRAME_MAX_BYTES + 1))
    assert page.is_cut_off


async def test_a_message_of_several_frames_is_no_longer(page: Page, settings: Settings) -> None:
    await page.accept()

    page.send(b"x" * settings.FRAME_MAX_BYTES, TEXT)
    page.send(b"x", FINAL | CONTINUED)

    assert page.is_cut_off


@pytest.mark.parametrize("first", [FINAL | COMPRESSED | TEXT, COMPRESSED | TEXT])
async def test_a_compressed_message_is_no_longer_when_it_is_unpacked(
    page: Page, settings: Settings, first: int
) -> None:
    await page.accept()

    page.send(pressed(b" " * (settings.FRAME_MAX_BYTES + 1)), first)

    assert page.is_cut_off
    assert page.waiting == 0


async def test_a_stranger_gets_no_compression_and_may_send_next_to_nothing(page: Page) -> None:
    await page.accept(signed_in=False)
    assert b"permessage-deflate" not in page.answer

    page.send(b"x" * (STRANGERS_BYTES + 1))

    assert page.is_cut_off


async def test_a_signed_in_page_gets_compression(page: Page) -> None:
    await page.accept()

    assert b"permessage-deflate" in page.answer


async def test_what_comes_before_the_socket_is_accepted_waits(page: Page) -> None:
    page.send(b"{}", times=3)
    assert page.waiting == 1  # the connection itself
    assert not page.is_read

    await page.accept()
    assert [(await page.next())["text"] for _ in range(3)] == ["{}"] * 3
    assert page.is_read


async def test_what_comes_after_the_socket_was_closed_is_dropped(page: Page) -> None:
    await page.accept(signed_in=False)

    page.socket.handle_reply({"type": "websocket.close", "code": 4401})
    page.send(b"{}")

    assert page.waiting == 0
    assert page.socket.localCloseCode == 4401


async def test_what_was_sent_before_we_closed_and_not_taken_is_dropped(page: Page) -> None:
    """Else a stranger's commands would be carried out, or those of a page whose conversation is not found."""
    page.send(b"{}", times=3)
    await page.accept(signed_in=False)
    assert page.waiting == 3

    page.socket.handle_reply({"type": "websocket.close", "code": 4401})
    page.socket.onClose(True, 4401, None)

    assert await page.next() == {"type": "websocket.disconnect", "code": 4401}


async def test_what_a_page_sent_before_it_closed_is_taken(page: Page) -> None:
    await page.accept()

    page.send(b"{}")
    page.send((1001).to_bytes(2, "big"), FINAL | CLOSE)

    assert (await page.next())["text"] == "{}"


async def test_nothing_is_said_to_a_page_that_has_gone(page: Page) -> None:
    await page.accept()
    page.socket.handle_reply({"type": "websocket.close", "code": 4012})

    page.socket.handle_reply({"type": "websocket.send", "text": "too late"})  # raises nothing

    assert b"too late" not in page.transport.value()


async def test_an_event_may_be_longer_than_a_command(page: Page, settings: Settings) -> None:
    await page.accept()

    page.socket.handle_reply({"type": "websocket.send", "text": "x" * 2 * settings.FRAME_MAX_BYTES})

    assert not page.is_cut_off


def pressed(text: bytes) -> bytes:
    press = zlib.compressobj(9, zlib.DEFLATED, -9)
    return (press.compress(text) + press.flush(zlib.Z_SYNC_FLUSH))[:-4]
