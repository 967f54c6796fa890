"""A page without a browser: it asks, stops and watches, and notes when frames came."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from uuid import UUID, uuid4

import msgspec

from streaming.protocol import PathChanged, Seen, TextDelta

from . import Failed
from .asker import PATIENCE_S, Asker, Place, address_of, question, within
from .websocket import Refused, WebSocket, opening

ACKNOWLEDGED_EVERY = 32  # frames
TITLED_WITHIN_S = 5.0
KIND_AT = len(b'{"type":"')

encode = msgspec.json.encode
read_path = msgspec.json.Decoder(PathChanged).decode
read_text = msgspec.json.Decoder(TextDelta).decode


class Page(Asker):
    """One tab of one person, on a socket of its own."""

    def __init__(self, place: Place, number: int, conversation: str = "new"):
        super().__init__(place)
        self.conversation = conversation
        self.opened = asyncio.Event()  # the first frame came
        self.titled = asyncio.Event()  # the last that happens to a conversation
        self.frames: list[tuple[float, int]] = []  # with their bytes on the wire
        self.texts: list[tuple[float, bytes]] = []  # those of the frames that bring text
        self.socket: WebSocket | None = None
        self._cookie = place.cookie(number)
        self._hears = {
            b"hello": self._hear_hello,
            b"path.changed": self._hear_path,
            b"text.delta": self._hear_text,
            b"answer.finished": self._hear_end,
            b"conversation.titled": self._hear_title,
            b"answer.resync": self._hear_trouble,
            b"error": self._hear_trouble,
        }

    async def open(self) -> None:
        """Raises Failed. Returns with the first frame."""
        request = opening(self.place.site, f"/ws/chat/{self.conversation}/", self._cookie)
        host, port = address_of(self.place.site)
        loop = asyncio.get_running_loop()
        try:
            _, self.socket = await loop.create_connection(
                lambda: WebSocket(request, self._hear, self._gone), host, port
            )
            await within(PATIENCE_S, self.socket.opened, "the site opened no socket")
        except (OSError, Refused) as error:
            raise Failed(f"the site opened no socket: {error}") from error
        await within(PATIENCE_S, self.opened.wait(), "the site said nothing on a socket")

    def ask(self, tokens: int, rate: float) -> None:
        self.asked_at = time.monotonic()
        self._tell(type="message.send", id=uuid4(), mode="quick", text=question(tokens, rate))

    def stop(self) -> None:
        self._tell(type="answer.stop", generation=self.request)

    def watch(self, generation: str) -> None:
        """As a page that was just loaded does."""
        self.request = generation
        self._tell(type="answer.watch", generation=generation, position="", seen=dict[str, Seen]())

    def arrivals(self) -> list[float]:
        found: list[float] = []
        for moment, frame in self.texts:
            found += [moment] * (read_text(frame).tokens - len(found))
        return found

    def bytes_between(self, begin: float, end: float) -> int:
        return sum(size for moment, size in self.frames if begin <= moment < end)

    async def settle(self) -> None:
        """Wait until the worker has nothing more to do for it. The hint that it has may be lost."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.titled.wait(), TITLED_WITHIN_S)

    def close(self) -> None:
        self.ended.set()
        if self.socket is not None:
            self.socket.close()

    # What it hears. Only the kind is looked at while answers come.

    def _hear(self, now: float, frame: bytes, size: int) -> None:
        self.frames.append((now, size))
        if len(self.frames) % ACKNOWLEDGED_EVERY == 0:
            self._tell(type="ack", frames=len(self.frames))
        if hears := self._hears.get(frame[KIND_AT : frame.find(b'"', KIND_AT)]):
            hears(now, frame)

    def _hear_hello(self, now: float, frame: bytes) -> None:
        self.opened.set()

    def _hear_path(self, now: float, frame: bytes) -> None:
        changed = read_path(frame)
        self.request, self.conversation = str(changed.generation), str(changed.conversation)

    def _hear_text(self, now: float, frame: bytes) -> None:
        self.texts.append((now, frame))
        self.begin(now)

    def _hear_end(self, now: float, frame: bytes) -> None:
        if b'"status":"failed"' in frame:
            self._hear_trouble(now, frame)
        self.ended.set()

    def _hear_title(self, now: float, frame: bytes) -> None:
        self.titled.set()

    def _hear_trouble(self, now: float, frame: bytes) -> None:
        self.fail(f"the site did not answer: {frame.decode()[:200]}")

    def _gone(self) -> None:
        self.fail("the site closed a socket")
        self.opened.set()

    def _tell(self, **command: str | float | UUID | dict[str, Seen]) -> None:
        assert self.socket is not None
        self.socket.send(encode(command))
