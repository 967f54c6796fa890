"""The web process: daphne, whose frames leave at once, and large ones compressed for pages that take them so.

It takes daphne's own options: python -m chatsite.web -b 127.0.0.1 -p 8000 chatsite.asgi:application
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from daphne.cli import CommandLineInterface
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet.tcp import Connection

WINDOW_BITS, MEMORY_LEVEL = 12, 5  # of a compressor, which a socket gets with its first large frame: 32 KB
SMALLEST_WINDOW_BITS = 9  # of what pages send, which is short


class Socket(WebSocketProtocol):
    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        if self.state == self.STATE_CONNECTING:
            self.serverAccept()
        payload = content.encode() if isinstance(content, str) else content
        self.sendMessage(payload, binary, doNotCompress=len(payload) < settings.COMPRESS_FRAMES_FROM_BYTES)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """To the kernel at once, if nothing waits before it: the reactor would ask first whether the kernel takes it,
        which costs two system calls for each token."""
        transport: Any = self.transport
        is_open = isinstance(transport, Connection) and transport.connected and not transport.disconnecting
        if is_open and not (transport.dataBuffer or transport._tempDataBuffer):
            sent = transport.writeSomeData(data)
            if isinstance(sent, int):  # else the connection is lost, on which the reactor acts
                data = data[sent:]
        if data:
            transport.write(data)


class WebServer(Server):
    def listen_success(self, port: Any) -> None:
        self.ws_factory.protocol = Socket
        if not settings.FRAME_PADDING_BYTES:  # the blanks that hide a length would be pressed out again
            self.ws_factory.setProtocolOptions(perMessageCompressionAccept=compression)
        super().listen_success(port)


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
                max_message_size=settings.EVENT_MAX_BYTES,  # of what a page's few bytes may become
            )
    return None


class CommandLine(CommandLineInterface):
    server_class = WebServer


if __name__ == "__main__":
    CommandLine.entrypoint()
