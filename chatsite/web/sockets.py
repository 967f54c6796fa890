"""Frames in both directions: they leave at once, large ones compressed; and what comes in has bounds.

A stranger, who is not signed in, may send next to nothing, and nothing compressed. Whoever sends more than is taken
waits: nothing more is read from that socket meanwhile.
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

WINDOW_BITS, MEMORY_LEVEL = 12, 5  # of a compressor, which a socket gets with its first large frame: 32 KB
SMALLEST_WINDOW_BITS = 9  # of what pages send, which is short
STRANGERS_BYTES = 1024  # of a message
MESSAGES_WAITING = 8  # for the consumer, at most
FRAMES_AT_ONCE = 64  # that are looked at before other sockets have their turn
FRAMES_OF_A_MESSAGE = 256  # a page sends each in one


class Inbox(asyncio.Queue[dict[str, Any]]):
    """What came in and was not taken yet. From a page that we have closed, only its end is taken any more."""

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
    _frames_too_late = 0  # after it was told that it is closed
    _is_held = False
    _early = b""  # what a visitor sent before the socket was accepted

    @property
    def _is_full(self) -> bool:
        return bool(self.state == self.STATE_OPEN and self.application_queue.qsize() >= MESSAGES_WAITING)

    def __init__(self) -> None:
        super().__init__()
        self._pings = RateLimit()

    # What daphne calls

    def handle_reply(self, message: dict[str, Any]) -> None:
        """What is sent to a page that has gone is dropped: its consumer learns of that by the next message."""
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
        if hasattr(self, "handshake_deferred"):  # accepting takes its time
            self._early += data
            self._hold()
        else:
            super().dataReceived(data)

    def processData(self) -> bool:
        """The next frame, or what is there of it; False to wait."""
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
        if self.state == self.STATE_OPEN:  # to one that we have closed, nothing is said any more
            super().onMessage(payload, isBinary)

    def onPing(self, payload: bytes) -> None:
        """Browsers send none, other programs one in several seconds."""
        if self._pings.is_exceeded():
            self.dropConnection(abort=True)
        else:
            super().onPing(payload)

    def sendMessage(self, *arguments: Any, **options: Any) -> None:
        """Autobahn has one limit for both directions."""
        of_page, self.maxMessagePayloadSize = self.maxMessagePayloadSize, settings.EVENT_MAX_BYTES
        try:
            super().sendMessage(*arguments, **options)
        finally:
            self.maxMessagePayloadSize = of_page

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """To the kernel at once, if nothing waits before it: the reactor would ask first whether the kernel takes it,
        which costs two system calls for each token."""
        transport: Any = self.transport
        is_open = isinstance(transport, Connection) and transport.connected and not transport.disconnecting
        if is_open and not self._has_unsent:
            sent = transport.writeSomeData(data)
            if isinstance(sent, int):  # else the connection is lost, on which the reactor acts
                data = data[sent:]
        if data:
            transport.write(data)

    # How much is read

    def read_on(self) -> None:
        """Now, or as soon as there is room."""
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
        """This page's user is signed in."""
        self.maxMessagePayloadSize = self.maxFramePayloadSize = settings.FRAME_MAX_BYTES
        if not settings.FRAME_PADDING_BYTES:  # the blanks that hide a length would be pressed out again
            self.perMessageCompressionAccept = compression


def factory_options() -> dict[str, Any]:
    """Autobahn's, for sockets that nobody has vouched for."""
    return {"maxMessagePayloadSize": STRANGERS_BYTES, "maxFramePayloadSize": STRANGERS_BYTES}


def compression(offers: Sequence[Any]) -> PerMessageDeflateOfferAccept | None:
    """permessage-deflate (RFC 7692), if a page offers it. Our window may be smaller than the one that it allows."""
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(
                offer,
                request_no_context_takeover=offer.accept_no_context_takeover,
                request_max_window_bits=SMALLEST_WINDOW_BITS if offer.accept_max_window_bits else 0,
                window_bits=min(WINDOW_BITS, offer.request_max_window_bits or WINDOW_BITS),
                mem_level=MEMORY_LEVEL,
                max_message_size=settings.FRAME_MAX_BYTES,  # of what a page's few bytes may become
            )
    return None
