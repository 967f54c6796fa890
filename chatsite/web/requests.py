"""Incoming HTTP requests: limits on their size and time, and what happens to them at shutdown.

A body that is too long is refused by its declared length, or by counting, before the excess is stored. Reading goes on
for up to READS_ON_S: closing earlier would keep a client that is still sending from receiving the refusal.
"""

from __future__ import annotations

import json
import time
from io import BytesIO
from typing import Any

from daphne.http_protocol import WebRequest
from django.conf import settings
from twisted.web.http import HTTPChannel

from streaming.chat.shutdown import shutting_down

READS_ON_S = 10.0  # after a refusal
# daphne would believe a client's Daphne-Root-Path, which would bypass what a proxy in front refuses by path. It fails
# on malformed bytes in Sec-WebSocket-Protocol, which our sockets do not use.
DROPPED = (b"Daphne-Root-Path", b"Sec-WebSocket-Protocol")
TOO_LARGE = "The request is too large: the limit is {limit:,} bytes."
HEADERS_TOO_LARGE = "The request's address or headers are too long. Shorten them, or clear your cookies."
TOO_SLOW = "The request took longer than {limit:g} s to arrive. Send it again."
ENDING = "The server is restarting. Try again in a moment."


class Channel(HTTPChannel):
    """A client's connection, for one request after the other."""

    transport: Any
    factory: Any

    def connectionMade(self) -> None:
        super().connectionMade()
        self.requestFactory = Request  # replaces daphne's
        self._connected_at = time.monotonic()
        self._has_asked = False
        self._is_refused = False
        self._deadline: Any = None
        self._reading_on: Any = None
        self._expect_request()
        self.factory.server.channels.add(self)

    def is_busy(self, asks_within_s: float) -> bool:
        """Whether a request is arriving or being answered, or the first one may still be on its way."""
        is_new = not self._has_asked and time.monotonic() - self._connected_at < asks_within_s
        return not self._is_refused and (bool(self.requests) or is_new)

    def refuse(self, status: int, reason: str, sentence: str) -> None:
        """Answers the arriving request with an error, and closes the connection."""
        self._is_refused, self.persistent = True, 0
        self.transport.write(refusal(status, reason, sentence, getattr(self, "_path", b"")))
        self._reading_on = self.callLater(READS_ON_S, self.transport.abortConnection)

    # What Twisted calls

    def dataReceived(self, data: bytes) -> None:
        self._expect_request()
        if not (self._is_refused and self.line_mode):  # a refused body is parsed on to find its end
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        if self._receivedHeaderSize + len(line) > self.totalHeadersSize:
            self.lineLengthExceeded(line)
        elif not self._is_refused:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        if not self._is_refused:
            self.refuse(431, "Request Header Fields Too Large", HEADERS_TOO_LARGE)

    def allContentReceived(self) -> None:
        self._cancel_timers()
        self._has_asked = True
        super().allContentReceived()

    def connectionLost(self, reason: Any = None) -> None:
        self._cancel_timers()
        self.factory.server.channels.discard(self)
        super().connectionLost(reason)

    def _send100Continue(self) -> None:
        if not self._is_refused:
            super()._send100Continue()

    def _expect_request(self) -> None:
        """Sets the deadline for the whole request, however steadily its bytes trickle in."""
        if self._deadline is None and not self._handlingRequest and not self._is_refused:
            self._deadline = self.callLater(settings.REQUEST_TIMEOUT_S, self._give_up)

    def _give_up(self) -> None:
        self._deadline = None
        if self.requests:
            self.refuse(408, "Request Timeout", TOO_SLOW.format(limit=settings.REQUEST_TIMEOUT_S))
        self.loseConnection()

    def _cancel_timers(self) -> None:
        for timer in (self._deadline, self._reading_on):
            if timer is not None and timer.active():
                timer.cancel()
        self._deadline = self._reading_on = None


class Request(WebRequest):
    channel: Any

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self._parsePOSTFormSubmission = False  # Django parses forms; for a long one, Twisted would block the loop
        self._is_refused = False
        self._received = 0

    def refuse(self, status: int, reason: str, sentence: str) -> None:
        self._is_refused = True
        self.channel.refuse(status, reason, sentence)

    # What Twisted calls

    def gotLength(self, length: int | None) -> None:
        """``length`` is None if the client did not declare it."""
        self._limit = body_limit(self.channel._path)
        if length is not None and length > self._limit:
            self._refuse_body()
        else:
            super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > self._limit and not self._is_refused:
            self._refuse_body()
        if not self._is_refused:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self._is_refused:
            self.channel.loseConnection()
        else:
            super().requestReceived(command, path, version)

    def process(self) -> Any:
        channel = self.channel
        for name in DROPPED:
            self.requestHeaders.removeHeader(name)
        if shutting_down.is_set() and self.requestHeaders.hasHeader(b"Upgrade"):
            self.refuse(503, "Service Unavailable", ENDING)
            return channel.loseConnection()
        processed = super().process()
        if channel.transport is not None and channel.transport.protocol is not channel:  # it is a socket now
            channel.factory.server.channels.discard(channel)
        return processed

    # What daphne calls

    def handle_reply(self, message: dict[str, Any]) -> None:
        if shutting_down.is_set() and message["type"] == "http.response.start" and self.channel is not None:
            self.channel.persistent = 0
            self.setHeader(b"Connection", b"close")
        super().handle_reply(message)

    def handle_exception(self, exception: BaseException) -> None:
        """Handles the application's exception: a response that has begun can report it only by aborting."""
        if self._response_started and self.channel is not None:
            self.channel.forceAbortClient()
        else:
            super().handle_exception(exception)

    def _refuse_body(self) -> None:
        if self.content is not None:
            self.content.close()
        self.content = BytesIO()
        self.refuse(413, "Content Too Large", TOO_LARGE.format(limit=self._limit))


def body_limit(path: bytes) -> int:
    """Returns how many bytes may be sent to this path. The longest matching prefix decides."""
    named = [prefix for prefix in settings.REQUEST_MAX_BYTES_AT if path.startswith(prefix.encode())]
    return settings.REQUEST_MAX_BYTES_AT[max(named, key=len)] if named else settings.REQUEST_MAX_BYTES


def refusal(status: int, reason: str, sentence: str, path: bytes) -> bytes:
    """Builds the error response; below /api/ in the API's format."""
    if path.startswith(b"/api/"):
        kind, body = "application/json", json.dumps({"error": {"code": CODES[status], "message": sentence}})
    else:
        kind, body = "text/plain; charset=utf-8", f"{sentence}\n"
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(body.encode())}\r\n"
    retry = "Retry-After: 1\r\n" if status == 503 else ""
    return f"{head}{retry}Connection: close\r\n\r\n{body}".encode()


CODES = {408: "too_slow", 413: "too_large", 431: "too_large", 503: "unavailable"}
