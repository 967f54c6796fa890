"""Clients that ask and record when tokens arrive: through the site (page.py), or from the model server directly."""

from __future__ import annotations

import asyncio
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

import msgspec

from streaming.demo.journal import JournalReader
from streaming.model_servers.vllm.events import EventStream
from streaming.model_servers.vllm.wire import DONE, ReplyReader

from . import Failed

T = TypeVar("T")
PATIENCE_S = 30.0
END_OF_BODY = b"0\r\n\r\n"


@dataclass(frozen=True)
class Place:
    """The addresses to measure, and the sessions to ask with."""

    site: str  # host:port
    model: str  # host:port
    cookie_name: str
    sessions: list[str]  # keys, one per person
    journal: JournalReader

    def cookie(self, number: int) -> str:
        return f"{self.cookie_name}={self.sessions[number % len(self.sessions)]}"


class Asker(ABC):
    """Asks one question. ``begun`` is set at the first token, ``ended`` at the last; a failure sets both."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.request = ""  # the beginning of the request's id in the journal
        self.asked_at = 0.0
        self.begun_at = 0.0
        self.failure = ""
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()

    @abstractmethod
    async def open(self) -> None:
        """Raises Failed."""

    @abstractmethod
    def ask(self, tokens: int, rate: float) -> None: ...

    @abstractmethod
    def arrivals(self) -> list[float]:
        """Returns when each token arrived. Parses everything received."""

    @abstractmethod
    async def settle(self) -> None:
        """Waits until the server's work for this question is done."""

    @abstractmethod
    def close(self) -> None: ...

    @property
    def ttft(self) -> float:
        return self.begun_at - self.asked_at

    async def finish(self) -> None:
        """Raises Failed."""
        await within(PATIENCE_S, self.ended.wait(), "an answer did not end")
        if self.failure:
            raise Failed(self.failure)

    def begin(self, now: float) -> None:
        if not self.begun_at:
            self.begun_at = now
            self.begun.set()

    def fail(self, why: str) -> None:
        if not self.ended.is_set():
            self.failure = why
            self.begun.set()
            self.ended.set()


class Direct(Asker, asyncio.Protocol):
    """The floor: one request to the model server, on its own connection."""

    _transport: asyncio.Transport

    def __init__(self, place: Place):
        super().__init__(place)
        self.request = str(uuid4())
        self._received: list[tuple[float, bytes]] = []

    async def open(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, *address_of(self.place.model))
        except OSError as error:
            raise Failed(f"the model server cannot be reached: {error}") from error

    def ask(self, tokens: int, rate: float) -> None:
        messages = [{"role": "user", "content": question(tokens, rate)}]
        body = msgspec.json.encode({"messages": messages, "stream": True})
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.place.model}\r\nContent-Type: application/json\r\n"
            f"X-Request-Id: {self.request}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.asked_at = time.monotonic()
        self._transport.write(head.encode() + body)

    def arrivals(self) -> list[float]:
        events, reader, found = EventStream(sys.maxsize), ReplyReader(sys.maxsize), list[float]()
        for moment, data in self._received:
            deltas = [reader.read(payload) for payload in events.feed(data) if payload != DONE]
            found += [moment for delta in deltas if delta.text]
        return found

    async def settle(self) -> None:
        """Returns at once: the model server has no work left."""

    def close(self) -> None:
        if hasattr(self, "_transport"):
            self._transport.close()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._received.append((now, data))
        if not self.begun_at and b'"content":"' in data and b'"content":""' not in data.rpartition(b"data:")[2]:
            self.begin(now)
        if data.endswith(END_OF_BODY):
            self.ended.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail("the model server closed a connection")


async def within(seconds: float, coming: Awaitable[T], otherwise: str) -> T:
    """Raises Failed, with ``otherwise`` as the reason, after ``seconds``."""
    try:
        return await asyncio.wait_for(coming, seconds)
    except TimeoutError as error:
        raise Failed(f"{otherwise} within {seconds:.0f} s") from error


def question(tokens: int, rate: float) -> str:
    """Returns a question that the demo model answers with numbered tokens, the first one at once."""
    return f"[[demo ttft=0 rate={rate:g}]] count to {tokens}"


def address_of(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":")
    return host.strip("[]"), int(port)
