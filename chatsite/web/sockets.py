"""WebSocket frames: sent at once, large ones compressed; incoming ones are bounded.

A client that is not signed in may send very little, and nothing compressed. If a client sends faster than the consumer
takes, reading from its socket pauses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet.tcp import Connection

from streaming.chat.page_socket import RateLimit

from .accepting import SIGNED_IN

WINDOW_BITS, MEMORY_LEVEL = 12, 5  # the compressor, made with a socket's first large frame, takes 32 KB
SMALLEST_WINDOW_BITS = 9  # for what pages send, which is short
STRANGERS_BYTES = 1024  # per message of a client that is not signed in
MESSAGES_WAITING = 8  # maximum that wait for the consumer
FRAMES_AT_ONCE = 64  # processed before other sockets have their turn
FRAMES_OF_A_MESSAGE = 256  # maximum; pages send each message in one


class Inbox(asyncio.Queue[dict[str, Any]]):
    """Received messages that the consumer has not taken. From a page that we closed, it takes only the disconnect."""

    def __init__(self, protocol: Any):
        super().__init__()
        self._protocol = protocol

    async def get(self) -> dict[str, Any]:
        while True:
            message = await super().get()
            if not isinstance(self._protocol, Socket):
                return message
            self._protocol.read_on()
            if message["type"] != "websocket.receive" or not self._protocol.closedByMe:
                return message


class Socket(WebSocketProtocol):
    transport: Any
    application_queue: Any
    maxMessagePayloadSize: int
    _frames_at_once = 0
    _frames_of_message = 0
    _frames_too_late = 0  # received after we sent the close frame
    _is_held = False
    _early = b""  # received before the socket was accepted

    @property
    def _is_full(self) -> bool:
        return bool(self.state == self.STATE_OPEN and self.application_queue.qsize() >= MESSAGES_WAITING)

    def __init__(self) -> None:
        super().__init__()
        self._pings = RateLimit()

    # What daphne calls

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Drops what is sent to a closed page; the consumer's next message is the disconnect."""
        if self.state in (self.STATE_CLOSING, self.STATE_CLOSED):
            return
        if message["type"] == "websocket.accept" and message.get(SIGNED_IN):
            self._trust()
        super().handle_reply(message)

    def serverAccept(self, subprotocol: str | None = None) -> None:
        super().serverAccept(subprotocol)
        self.read_on()

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        payload = content.encode() if isinstance(content, str) else content
        self.sendMessage(payload, binary, doNotCompress=len(payload) < settings.COMPRESS_FRAMES_FROM_BYTES)

    # What autobahn calls

    def dataReceived(self, data: bytes) -> None:
        if hasattr(self, "handshake_deferred"):  # the application has not accepted yet
            self._early += data
            self._hold()
        else:
            super().dataReceived(data)

    def processData(self) -> bool:
        """Processes the next frame, or the part received so far; returns False to wait."""
        is_full = self._is_full
        if is_full or self._frames_at_once >= FRAMES_AT_ONCE:
            self._hold()
            if not is_full:
                asyncio.get_running_loop().call_soon(self.read_on)
            return False
        self._frames_at_once += 1
        self._frames_too_late += self.state == self.STATE_CLOSING
        if self._frames_too_late > FRAMES_AT_ONCE:
            self.dropConnection(abort=True)
            return False
        return bool(super().processData())

    def onMessageBegin(self, isBinary: bool) -> None:
        self._frames_of_message = 0
        super().onMessageBegin(isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        self._frames_of_message += 1
        super().onMessageFrameBegin(length)
        if self._frames_of_message > FRAMES_OF_A_MESSAGE and not self.failedByMe:
            self._max_message_size_exceeded(0, 0, f"a message of more than {FRAMES_OF_A_MESSAGE} frames")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if self.state == self.STATE_OPEN:  # not after we closed it
            super().onMessage(payload, isBinary)

    def onPing(self, payload: bytes) -> None:
        """Limits pings: browsers send none, other programs one in several seconds."""
        if self._pings.is_exceeded():
            self.dropConnection(abort=True)
        else:
            super().onPing(payload)

    def sendMessage(self, *arguments: Any, **options: Any) -> None:
        """Raises the size limit while sending: autobahn has one for both directions."""
        of_page, self.maxMessagePayloadSize = self.maxMessagePayloadSize, settings.EVENT_MAX_BYTES
        try:
            super().sendMessage(*arguments, **options)
        finally:
            self.maxMessagePayloadSize = of_page

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Writes to the kernel at once if nothing is buffered: the reactor would first ask whether the socket is
        writable, at two system calls per token."""
        transport: Any = self.transport
        is_open = isinstance(transport, Connection) and transport.connected and not transport.disconnecting
        if is_open and not self._has_unsent:
            sent = transport.writeSomeData(data)
            if isinstance(sent, int):  # otherwise the connection is lost, which the reactor handles
                data = data[sent:]
        if data:
            transport.write(data)

    # Pausing and resuming

    def read_on(self) -> None:
        """Resumes reading if it is paused and there is room; ``Inbox.get`` calls it again after each message."""
        self._frames_at_once = 0
        if not self._is_held or self._is_full or self.state == self.STATE_CLOSED:
            return
        self._is_held = False
        early, self._early = self._early, b""
        if early:
            self.dataReceived(early)
        else:
            self.consumeData()
        if not self._is_held and self.transport.connected:
            self.transport.resumeProducing()

    def _hold(self) -> None:
        self._is_held = True
        self.transport.pauseProducing()

    @property
    def _has_unsent(self) -> bool:
        transport: Any = self.transport
        return bool(getattr(transport, "dataBuffer", b"") or getattr(transport, "_tempDataBuffer", ()))

    def _trust(self) -> None:
        """Lifts the limits: this page's user is signed in."""
        self.maxMessagePayloadSize = self.maxFramePayloadSize = settings.FRAME_MAX_BYTES
        if not settings.FRAME_PADDING_BYTES:  # compression would undo the padding
            self.perMessageCompressionAccept = compression


def factory_options() -> dict[str, Any]:
    """Returns autobahn's options for sockets before their user is known."""
    return {"maxMessagePayloadSize": STRANGERS_BYTES, "maxFramePayloadSize": STRANGERS_BYTES}


def compression(offers: Sequence[Any]) -> PerMessageDeflateOfferAccept | None:
    """Accepts permessage-deflate (RFC 7692) if the page offers it. Our window may be smaller than it allows."""
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(
                offer,
                request_no_context_takeover=offer.accept_no_context_takeover,
                request_max_window_bits=SMALLEST_WINDOW_BITS if offer.accept_max_window_bits else 0,
                window_bits=min(WINDOW_BITS, offer.request_max_window_bits or WINDOW_BITS),
                mem_level=MEMORY_LEVEL,
                max_message_size=settings.FRAME_MAX_BYTES,  # after decompression
            )
    return None
