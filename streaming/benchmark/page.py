"""A page without a browser: asks, stops and watches, and records when frames arrive."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from uuid import uuid4

import msgspec

from streaming.protocol import PathChanged, TextDelta

from . import Failed
from .askers import PATIENCE_S, Asker, Place, address_of, question, within
from .websocket import Refused, WebSocket, opening

ACKNOWLEDGED_EVERY = 32  # frames
TITLED_WITHIN_S = 5.0
KIND_AT = len(b'{"type":"')

read_path = msgspec.json.Decoder(PathChanged).decode
read_text = msgspec.json.Decoder(TextDelta).decode


class Page(Asker):
    """One user's tab, on its own socket."""

    socket: WebSocket

    def __init__(self, place: Place, number: int, conversation: str = "new"):
        super().__init__(place)
        self.conversation = conversation
        self.opened = asyncio.Event()  # the first frame arrived
        self.titled = asyncio.Event()  # the conversation has its title, the last step of the first answer
        self.frames: list[tuple[float, int]] = []  # time of arrival, bytes on the wire
        self.texts: list[tuple[float, bytes]] = []  # time of arrival, and the frame, of those with text
        self._cookie = place.cookie(number)

    async def open(self) -> None:
        """Returns after the first frame."""
        request = opening(self.place.site, f"/ws/chat/{self.conversation}/", self._cookie)
        address = address_of(self.place.site)
        try:
            _, self.socket = await asyncio.get_running_loop().create_connection(
                lambda: WebSocket(request, self._receive, self._end), *address
            )
            await within(PATIENCE_S, self.socket.opened, "the site opened no socket")
        except (OSError, Refused) as error:
            raise Failed(f"the site opened no socket: {error}") from error
        await within(PATIENCE_S, self.opened.wait(), "the site said nothing on a socket")

    def ask(self, tokens: int, rate: float) -> None:
        self.asked_at = time.monotonic()
        self._send(type="message.send", id=uuid4(), mode="quick", text=question(tokens, rate))

    def stop(self) -> None:
        self._send(type="answer.stop", generation=self.request)

    def watch(self, generation: str) -> None:
        """Watches like a page that was just loaded."""
        self.request = generation
        self._send(type="answer.watch", generation=generation, position="", seen={})

    def arrivals(self) -> list[float]:
        found: list[float] = []
        for moment, frame in self.texts:
            found += [moment] * (read_text(frame).tokens - len(found))
        return found

    def bytes_between(self, begin: float, end: float) -> int:
        return sum(size for moment, size in self.frames if begin <= moment < end)

    async def settle(self) -> None:
        """Waits until the conversation has a title; at most TITLED_WITHIN_S, since the broadcast may be lost."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.titled.wait(), TITLED_WITHIN_S)

    def close(self) -> None:
        self.ended.set()
        if hasattr(self, "socket"):
            self.socket.close()

    def _receive(self, now: float, frame: bytes, size: int) -> None:
        """Reads only a frame's type, to save time while answers arrive."""
        self.frames.append((now, size))
        if len(self.frames) % ACKNOWLEDGED_EVERY == 0:
            self._send(type="ack", frames=len(self.frames))
        match frame[KIND_AT : frame.find(b'"', KIND_AT)]:
            case b"text.delta":
                self.texts.append((now, frame))
                self.begin(now)
            case b"hello":
                self.opened.set()
            case b"path.changed":
                changed = read_path(frame)
                self.request, self.conversation = str(changed.generation), str(changed.conversation)
            case b"conversation.titled":
                self.titled.set()
            case b"answer.finished" if b'"status":"failed"' not in frame:
                self.ended.set()
            case b"answer.finished" | b"answer.resync" | b"error":
                self.fail(f"the site did not answer: {frame.decode()[:200]}")

    def _end(self) -> None:
        self.fail("the site closed a socket")
        self.opened.set()

    def _send(self, **command: object) -> None:
        self.socket.send(msgspec.json.encode(command))
