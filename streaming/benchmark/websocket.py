"""A WebSocket client with as little work per frame as Python allows; accepts compressed frames."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
import zlib
from collections.abc import Callable

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
FINAL, COMPRESSED, MASKED = 0x80, 0x40, 0x80
END_OF_MESSAGE = b"\x00\x00\xff\xff"  # permessage-deflate omits it
NO_MASK = b"\0\0\0\0"  # clients must mask; zeros leave the frame unchanged

Receive = Callable[[float, bytes, int], None]  # time of arrival, text, bytes on the wire


class Refused(Exception):
    """The server did not open the socket."""


class WebSocket(asyncio.Protocol):
    """Calls ``receive`` for each text frame, and ``ended`` when the connection ends. Answers pings itself."""

    _transport: asyncio.Transport

    def __init__(self, request: bytes, receive: Receive, ended: Callable[[], None]):
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._receive = receive
        self._ended = ended
        self._rest = b""
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS).decompress

    def send(self, text: bytes, kind: int = TEXT) -> None:
        self._transport.write(frame_of(kind, text))

    def close(self) -> None:
        if not self._transport.is_closing():
            self.send(b"\x03\xe8", CLOSE)
            self._transport.close()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._rest += data
        if self.opened.done() or self._take_response():
            self._take_frames(now)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(Refused("the connection was closed"))
        self._ended()

    def _take_response(self) -> bool:
        """Returns False if the response is incomplete, or a refusal."""
        head, end, rest = self._rest.partition(b"\r\n\r\n")
        if end and head.split(b" ", 2)[1] == b"101":
            self._rest = rest
            self.opened.set_result(None)
            return True
        if end:
            self.opened.set_exception(Refused(head.split(b"\r\n")[0].decode("latin1")))
        return False

    def _take_frames(self, now: float) -> None:
        start = 0
        while (found := frame_at(self._rest, start)) is not None:
            first, text, end = found
            kind = first & 0x0F
            if first & COMPRESSED:
                text = self._inflate(text + END_OF_MESSAGE)
            if kind == TEXT:
                self._receive(now, text, end - start)
            elif kind == PING:
                self.send(text, PONG)
            elif kind == CLOSE:
                self._transport.close()
            start = end
        self._rest = self._rest[start:]


def frame_of(kind: int, text: bytes) -> bytes:
    if len(text) < 126:
        length = bytes([MASKED | len(text)])
    elif len(text) < 1 << 16:
        length = bytes([MASKED | 126]) + len(text).to_bytes(2)
    else:
        length = bytes([MASKED | 127]) + len(text).to_bytes(8)
    return bytes([FINAL | kind]) + length + NO_MASK + text


def frame_at(data: bytes, start: int) -> tuple[int, bytes, int] | None:
    """Returns (first byte, content, start of the next frame); None if it is incomplete.

    Expects a server's frames, which are not masked, and messages of one frame.
    """
    if len(data) < start + 2:
        return None
    length, begin = data[start + 1], start + 2
    if length >= 126:
        width = 2 if length == 126 else 8
        length, begin = int.from_bytes(data[begin : begin + width]), begin + width
    end = begin + length
    return (data[start], data[begin:end], end) if len(data) >= end else None


def opening(host: str, path: str, cookie: str) -> bytes:
    """Returns the HTTP request that opens a socket, as a page of ``host`` sends it."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    ).encode()
