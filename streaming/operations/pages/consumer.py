"""The socket of operators' pages: the page says what it shows, and is told which of its pieces have changed.

A page gets the next state when it has acknowledged the one before, and none while it is hidden: a slow one misses
states, and never falls behind.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import msgspec
from autobahn.exception import Disconnected
from django.conf import settings
from django.db import DatabaseError
from msgspec import Meta

from streaming.chat.open_sockets import sockets
from streaming.chat.origin import is_same_origin
from streaming.chat.rate_limit import RateLimit
from streaming.coordination.database import in_database
from streaming.coordination.groups import GroupConsumer
from streaming.coordination.user_limits import Slot, TooManyOpen, limits
from streaming.live.window import Window
from streaming.protocol import CLOSE_NOT_SIGNED_IN, CLOSE_TOO_MANY, UNREADABLE, Count

from .rendering import LONGEST_ADDRESS, NotLive, Pieces, match_of, operator_of, renderings

logger = logging.getLogger(__name__)

INTERVAL_S = 2.0
REST_S = 0.25  # between two renderings, whatever the page asks for


class Show(msgspec.Struct, tag="show", frozen=True):
    """The page shows this address of ours, with its query."""

    address: Annotated[str, Meta(max_length=LONGEST_ADDRESS)]


class Hide(msgspec.Struct, tag="hide", frozen=True):
    """Nobody looks at it."""


class Acknowledge(msgspec.Struct, tag="ack", frozen=True):
    frames: Count  # that it has had since the socket opened


class Changed(msgspec.Struct, tag="changed", frozen=True):
    """As of now. None: the piece is no more."""

    whole: bool  # all pieces, not only those that changed since the page was told last
    pieces: dict[str, str | None]


class Refused(msgspec.Struct, tag="refused", frozen=True):
    """This page is not told of by the socket: it has to fetch."""


COMMAND = msgspec.json.Decoder(Show | Hide | Acknowledge)


class OperationsConsumer(GroupConsumer):
    # Lifecycle

    async def connect(self) -> None:
        self.window = Window()
        self._rate = RateLimit()
        self._address = ""  # of the page; empty while there is nothing to tell
        self._told: Pieces = {}
        self._news = asyncio.Event()  # the page wants something else
        self._following: asyncio.Task[None] | None = None
        self._place: Slot | None = None
        if not is_same_origin(self.scope):
            await self.close()
            return
        await self.accept()
        self.user = self.scope["user"]
        if not self.user.is_authenticated or await in_database(operator_of, self.user.pk) is None:
            await self.close(CLOSE_NOT_SIGNED_IN)
            return
        try:
            self._place = await limits().take_socket(self.user.pk)
        except TooManyOpen as error:
            logger.info("user %s: operators' page: %s", self.user.pk, error)
            await self.close(CLOSE_TOO_MANY)
            return
        sockets().add_operators(self)
        self._following = asyncio.create_task(self._follow(), name="operators' page")

    async def disconnect(self, code: int) -> None:
        sockets().discard(self)
        self._place = None
        if self._following:
            self._following.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._rate.is_exceeded():
            await self.close(CLOSE_TOO_MANY)
            return
        try:
            match COMMAND.decode(text_data or ""):
                case Show(address):
                    match_of(address)
                    self._address, self._told = address, {}
                    self._news.set()
                case Hide():
                    self._address = ""
                case Acknowledge(frames):
                    self.window.acknowledged(frames)
        except (*UNREADABLE, NotLive) as error:
            logger.info("user %s: operators' page: %s", self.user.pk, type(error).__name__)
            self._address = ""
            await self._send(Refused())

    # What the page is told

    async def _follow(self) -> None:
        """Until the socket closes."""
        while True:
            try:
                async with asyncio.timeout(INTERVAL_S):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            try:
                await self._send_changes()
            except Disconnected:  # the page went, and Channels has not told yet
                return
            except DatabaseError as error:
                logger.warning("an operators' page was not rendered: %s", error)
            except NotLive:  # any more
                self._address = ""
                await self._send(Refused())
            except Exception:  # a view's; the page fetches meanwhile, and sees what is wrong
                logger.exception("an operators' page was not rendered")
            await asyncio.sleep(REST_S)

    async def _send_changes(self) -> None:
        operator = await in_database(operator_of, self.user.pk)
        if operator is None:
            await self.close(CLOSE_NOT_SIGNED_IN)
            return
        address = self._address
        if not address or not self.window.is_empty:
            return
        pieces = await renderings().pieces(self.scope, address, operator)
        if address != self._address:  # meanwhile the page shows something else
            return
        await self._send(Changed(not self._told, changes(self._told, pieces)))
        self._told = pieces

    async def _send(self, event: Changed | Refused) -> None:
        frame = msgspec.json.encode(event)
        if len(frame) > settings.EVENT_MAX_BYTES:
            self._address = ""
            frame = msgspec.json.encode(Refused())
        self.window.sent(len(frame))
        await self.send(text_data=frame.decode())


def changes(before: Pieces, now: Pieces) -> dict[str, str | None]:
    """What a page that has ``before`` needs to show ``now``."""
    changed: dict[str, str | None] = {name: html for name, html in now.items() if before.get(name) != html}
    return changed | {name: None for name in before if name not in now}
