"""Daphne's server with our connections and shutdown: accept nothing new, disconnect pages, answer requests, exit.

Shutdown takes at most ENDS_WITHIN_S as long as Python runs at all; otherwise the manager kills the process.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import threading
import time
from functools import partial
from typing import Any

from daphne.server import Server
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from chatsite.failures import Failed
from streaming.chat.shutdown import shutting_down

from .requests import Channel, Request
from .sockets import Inbox, Socket, factory_options

logger = logging.getLogger(__name__)

ANSWERS_WITHIN_S = 3.0  # for requests in progress at SIGTERM
ASKS_WITHIN_S = 0.5  # for the first request on a connection accepted just before
UNWINDS_WITHIN_S = 1.0  # for requests cut off after that
ENDS_WITHIN_S = 8.0  # in total, whatever hangs; managers wait a little longer before they kill
LOOKS_EVERY_S = 0.02


class WebServer(Server):
    def run(self) -> None:
        self._ports: list[Any] = []
        self.channels: set[Channel] = set()  # HTTP connections that are not WebSockets
        reactor.callWhenRunning(have_a_last_resort)
        super().run()

    def listen_success(self, port: Any) -> None:
        self._ports.append(port)
        self.http_factory.protocol = Channel  # type: ignore[assignment, method-assign]
        self.ws_factory.protocol = Socket
        self.ws_factory.setProtocolOptions(**factory_options())
        super().listen_success(port)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Inbox | None:
        """Does what daphne does, with a queue that pauses reading, and retrieves the application's exception."""
        if protocol not in self.connections:
            return None
        inbox = Inbox(protocol)
        scope.setdefault("asgi", {"version": "3.0"})
        application = self.application(scope=scope, receive=inbox.get, send=partial(self.handle_reply, protocol))
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(self._run(protocol, application))
        return inbox

    async def _run(self, protocol: Any, application: Any) -> None:
        try:
            await application
        except Failed as error:  # already logged
            if "disconnected" not in self.connections.get(protocol, {"disconnected": True}):
                protocol.handle_exception(error)

    # Shutdown

    def kill_all_applications(self) -> Deferred[None]:
        """Called when the reactor is about to stop; it waits for the result."""
        return Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        """Meanwhile, ``open_sockets.drain_before_shutdown`` disconnects pages and ends event streams."""
        shutting_down.set()
        for port in self._ports:
            port.stopListening()
        until = time.monotonic() + ANSWERS_WITHIN_S
        while any(channel.is_busy(ASKS_WITHIN_S) for channel in self.channels) and time.monotonic() < until:
            await asyncio.sleep(LOOKS_EVERY_S)
        if cut := [channel for channel in self.channels if channel.requests]:
            logger.warning("%d requests were not answered before shutdown", len(cut))
        for channel in list(self.channels):
            channel.transport.abortConnection() if channel.requests else channel.loseConnection()
        await self._unwound()

    async def _unwound(self) -> None:
        """Waits for requests, which end on disconnect: cancelling one would leave Django's tasks running."""
        found = [c.get("application_instance") for client, c in self.connections.items() if isinstance(client, Request)]
        if left := [task for task in found if task is not None and not task.done()]:
            await asyncio.wait(left, timeout=UNWINDS_WITHIN_S)


def have_a_last_resort() -> None:
    """Makes signal handlers wake a thread before the reactor: the event loop may never process the signal."""
    reading, writing = os.pipe()
    threading.Thread(target=end_hard, args=(reading,), name="last resort", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        reactors_handler: Any = signal.getsignal(number)

        def handle(number: int, frame: Any, reactors_handler: Any = reactors_handler) -> None:
            os.write(writing, b"!")
            reactors_handler(number, frame)

        signal.signal(number, handle)


def end_hard(signalled: int) -> None:
    """Ends the process ENDS_WITHIN_S after the signal, whatever its threads do, and logs where they are."""
    os.read(signalled, 1)
    time.sleep(ENDS_WITHIN_S)
    logger.error("the process did not stop within %g s and exits now; its threads were here", ENDS_WITHIN_S)
    faulthandler.dump_traceback(all_threads=True)
    os._exit(1)
