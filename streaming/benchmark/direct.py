"""The floor: the same question, asked of the model server itself."""

from __future__ import annotations

import asyncio
import sys
import time
from uuid import uuid4

import msgspec

from streaming.model_servers.vllm.events import EventStream
from streaming.model_servers.vllm.wire import DONE, ReplyReader

from . import Failed
from .asker import Asker, Place, address_of, question

END = b"0\r\n\r\n"  # of a body in HTTP's chunks


class Direct(Asker, asyncio.Protocol):
    """One request on a connection of its own."""

    def __init__(self, place: Place):
        super().__init__(place)
        self.request = str(uuid4())
        self._received: list[tuple[float, bytes]] = []
        self._transport: asyncio.Transport | None = None

    async def open(self) -> None:
        """Raises Failed."""
        host, port = address_of(self.place.model)
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, host, port)
        except OSError as error:
            raise Failed(f"the model server cannot be reached: {error}") from error

    def ask(self, tokens: int, rate: float) -> None:
        self.asked_at = time.monotonic()
        assert self._transport is not None
        self._transport.write(request_of(self.place.model, self.request, question(tokens, rate)))

    def arrivals(self) -> list[float]:
        events, reader, found = EventStream(sys.maxsize), ReplyReader(sys.maxsize), list[float]()
        for moment, data in self._received:
            deltas = [reader.read(payload) for payload in events.feed(data) if payload != DONE]
            found += [moment for delta in deltas if delta.text]
        return found

    def bytes_between(self, begin: float, end: float) -> int:
        return sum(len(data) for moment, data in self._received if begin <= moment < end)

    def close(self) -> None:
        if self._transport is not None:
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
        if data.endswith(END):
            self.ended.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail("the model server closed a connection")


def request_of(host: str, request_id: str, text: str) -> bytes:
    body = msgspec.json.encode({"messages": [{"role": "user", "content": text}], "stream": True})
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
