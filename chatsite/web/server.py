"""Daphne's server with our connections, and its end: nothing new, pages sent away, requests answered, then out.

Whoever stops this process can rely on ENDS_WITHIN_S, as long as Python runs at all; behind that is the manager's kill.
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

ANSWERS_WITHIN_S = 3.0  # a request that is under way at SIGTERM
ASKS_WITHIN_S = 0.5  # a visitor whose connection was accepted just before
UNWINDS_WITHIN_S = 1.0  # what is cut off then
ENDS_WITHIN_S = 8.0  # all in all, whatever hangs; managers wait a little longer before they kill
LOOKS_EVERY_S = 0.02


class WebServer(Server):
    def run(self) -> None:
        self._ports: list[Any] = []
        self.channels: set[Channel] = set()  # connections of visitors that are no sockets
        reactor.callWhenRunning(have_a_last_resort)
        super().run()

    def listen_success(self, port: Any) -> None:
        self._ports.append(port)
        self.http_factory.protocol = Channel  # type: ignore[assignment, method-assign]
        self.ws_factory.protocol = Socket
        self.ws_factory.setProtocolOptions(**factory_options())
        super().listen_success(port)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Inbox | None:
        """As daphne does it, with a queue that holds the reading back, and without an exception that nobody takes."""
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
        except Failed as error:  # which was logged
            if "disconnected" not in self.connections.get(protocol, {"disconnected": True}):
                protocol.handle_exception(error)

    # Its end

    def kill_all_applications(self) -> Deferred[None]:
        """What daphne does when the reactor is told to stop, which waits for it."""
        return Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        """Beside it, pages are sent away and event streams ended: ``sockets.drain_before_shutdown``."""
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
        """Requests learn that their visitor is gone, and end by themselves: who cancels one leaves Django's tasks."""
        found = [c.get("application_instance") for of, c in self.connections.items() if isinstance(of, Request)]
        if left := [task for task in found if task is not None and not task.done()]:
            await asyncio.wait(left, timeout=UNWINDS_WITHIN_S)


def have_a_last_resort() -> None:
    """The signals' handlers wake a thread first, and do nothing else: the event loop may never hear of them."""
    reading, writing = os.pipe()
    threading.Thread(target=end_hard, args=(reading,), name="last resort", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        of_reactor: Any = signal.getsignal(number)

        def handle(number: int, frame: Any, of_reactor: Any = of_reactor) -> None:
            os.write(writing, b"!")
            of_reactor(number, frame)

        signal.signal(number, handle)


def end_hard(signalled: int) -> None:
    """However its threads hang; says where they do."""
    os.read(signalled, 1)
    time.sleep(ENDS_WITHIN_S)
    logger.error("the process did not stop within %g s and exits now; its threads were here", ENDS_WITHIN_S)
    faulthandler.dump_traceback(all_threads=True)
    os._exit(1)
