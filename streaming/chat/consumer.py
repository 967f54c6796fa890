"""The chat socket: commands in, events out. It owns no generation: it may close at any moment, and another resumes."""

from __future__ import annotations

import logging
from collections import deque
from functools import partial
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from autobahn.exception import Disconnected
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError
from redis.exceptions import RedisError

from conversations import site_time
from conversations.events import Change
from conversations.models import Conversation, Generation
from conversations.models.chat.asking import ConversationError
from streaming import protocol
from streaming.coordination.channel_layer import user_group
from streaming.coordination.database import in_database
from streaming.coordination.user_limits import Slot, TooManyOpen, limits
from streaming.live.delivery import count_frame
from streaming.live.hub import hub
from streaming.live.viewer import Feed, Viewer
from streaming.protocol import AnswerFinished, AnyCommand, AnyEvent, BadCommand, Click, Refused
from streaming.telemetry import correlation, tracing

from . import clicks
from .open_sockets import sockets
from .page_socket import PageSocket

logger = logging.getLogger(__name__)

OWN_CLICKS = 200  # that a socket remembers, to ignore their broadcasts
SENTENCES = {
    "unavailable": "The server can't store this right now. Nothing is lost. Please try again in a moment.",
    "internal": "Something went wrong on our side. Please try again.",
}


class ChatConsumer(PageSocket):
    conversation: Conversation | None = None

    # Lifecycle

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.viewers: dict[UUID, Viewer] = {}
        self._feed = Feed(self._send_missing)
        self._slot: Slot | None = None
        self._asked: deque[UUID] = deque(maxlen=OWN_CLICKS)  # ids of this socket's clicks
        self._paints_due = 0  # one for each of this socket's clicks

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The socket's whole life. It cleans up here, since nobody calls ``disconnect`` if it is cancelled."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            sockets().discard(self)
            self._slot = None
            for viewer in self.viewers.values():
                hub().leave(viewer)
            self.viewers.clear()
            await self._feed.close()

    async def is_allowed(self) -> bool:
        return self.user.is_authenticated and is_page_of(self.user, self.scope)

    async def begin(self) -> None:
        correlation.add(user=self.user.pk)
        conversation_id: UUID | None = self.scope["url_route"]["kwargs"].get("conversation_id")
        if conversation_id and not await self._open(conversation_id):
            await self.close(protocol.CLOSE_NOT_FOUND)
            return
        try:
            self._slot = await limits().take_socket(self.user.pk)
        except TooManyOpen as error:
            await self.send_event(Refused(error.code, str(error)))
            await self.close(protocol.CLOSE_TOO_MANY)
            return
        sockets().add(self)
        await self.join(user_group(self.user.pk))
        await self._greet()

    async def _open(self, conversation_id: UUID) -> bool:
        """Serve this conversation from now on; False if it is not the user's. A deleted one is served too: it may be
        restored."""
        found = await in_database(Conversation.objects.owned_by(self.user).filter(pk=conversation_id).first)
        self.conversation = found
        return found is not None

    async def _greet(self) -> None:
        if (here := self.conversation) is None:
            await self.send_event(protocol.Hello(protocol.PROTOCOL_VERSION, None))
            return
        unfinished, latest = await in_database(clicks.unfinished_and_latest, here.pk)
        await self.send_event(
            protocol.Hello(protocol.PROTOCOL_VERSION, here.pk, unfinished, here.leaf_id, latest, here.title)
        )
        if here.deleted_at:
            await self.send_event(protocol.ConversationDeleted(here.pk))

    # Commands

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        command: AnyCommand | None
        try:
            if text_data is None:
                raise BadCommand("The page sent binary data; the server understands only text.")
            if len(text_data) > settings.FRAME_MAX_BYTES:  # in several frames, each of which daphne checks alone
                raise BadCommand("The page sent more than the server accepts at once.")
            command = protocol.parse_command(text_data)
        except BadCommand as error:
            logger.info("user %s: %s", self.user.pk, error)
            command = None
            await self.send_event(Refused("bad_command", str(error)))
        if not self._is_free(command) and self.rate.is_exceeded():
            sockets().refused["too_many"] += 1
            await self.close(protocol.CLOSE_TOO_MANY)
        elif command is not None:
            with correlation.about(conversation=self.conversation and self.conversation.pk, **ids_of(command)):
                await self._carry_out(command)

    def _is_free(self, command: AnyCommand | None) -> bool:
        """Whether the command is exempt from the rate limit: one Painted per click, one Acknowledge per frame."""
        if isinstance(command, protocol.Painted) and self._paints_due:
            self._paints_due -= 1
            return True
        self._paints_due += isinstance(command, Click)
        return isinstance(command, protocol.Acknowledge) and self.window.is_new(command.frames)

    async def _carry_out(self, command: AnyCommand) -> None:
        request = command.id if isinstance(command, Click) else getattr(command, "generation", None)
        try:
            await self._do(command)
        except ConversationError as error:
            await self.send_event(Refused(error.code, str(error), request))
        except Exception as error:
            logger.exception("user %s: %s failed", self.user.pk, type(command).__name__)
            code = "unavailable" if isinstance(error, (DatabaseError, RedisError, OSError)) else "internal"
            await self.send_event(Refused(code, SENTENCES[code], request))

    async def _do(self, command: AnyCommand) -> None:
        match command:
            case protocol.Ping():
                await self.send_event(protocol.Pong())
            case protocol.Acknowledge(frames=frames):
                self._acknowledge(frames)
            case protocol.Watch(generation=generation_id, position=position, seen=seen):
                generation = await in_database(clicks.watchable, self.user, generation_id)
                await self._watch(generation, position, seen)
            case protocol.Stop(generation=generation_id):
                await clicks.stop(self.user, generation_id)
            case protocol.Painted():
                await in_database(clicks.record_paint, self.user, command)
            case Click():
                await self._click(command)

    async def _click(self, command: Click) -> None:
        """Store what the click adds, then show it; this page gets the same event as the others."""
        received_at = site_time.now()
        self._asked.append(command.id)
        change = await in_database(clicks.take_click, self.user, self.conversation, command)
        stored_at = site_time.now()
        correlation.add(generation=change.generation.pk, conversation=change.conversation)
        if self.conversation is None:
            await self._open(change.conversation)
        await self._show_change(change, command.id)
        if change.generation.is_new and (viewer := self.viewers.get(change.generation.pk)):
            viewer.answer.delivery.received_at = received_at
        tracing.report_command(change.generation, type(command).__name__, received_at, stored_at)

    async def _show_change(self, change: clicks.PathChange, request: UUID) -> None:
        await self.send_event(
            protocol.PathChanged(
                conversation=change.conversation,
                url=change.url,
                title=change.title,
                parent=change.parent,
                messages=list(change.messages),
                generation=change.generation.pk,
                request=request,
            )
        )
        try:
            await self._watch(change.generation, "", {})
        except (DatabaseError, RedisError, OSError) as error:  # the click is stored; the page will watch again
            logger.warning("generation %s cannot be watched: %s", change.generation.pk, error)
            await self.send_event(Refused("unavailable", SENTENCES["unavailable"], change.generation.pk))

    async def _watch(self, generation: Generation, position: str, seen: dict[str, protocol.Seen]) -> None:
        if earlier := self.viewers.pop(generation.pk, None):
            hub().leave(earlier)
        viewer_of = partial(Viewer, position=position, seen=seen)
        viewer = await hub().watch(generation, viewer_of, self._feed.wake)
        if viewer is None:
            await self.send_event(protocol.Resync(generation.pk, generation.message.fragment_url))
        else:
            self.viewers[generation.pk] = viewer

    def _acknowledge(self, frames: int) -> None:
        was_full = self.window.is_full
        self.window.acknowledged(frames)
        if was_full and not self.window.is_full:
            for viewer in list(self.viewers.values()):
                self._feed.wake(viewer)

    # Events

    async def _send_missing(self, viewer: Viewer) -> None:
        """Send the page what it misses of one answer, unless its window is full."""
        if self.window.is_full or not self._watches(viewer):
            return
        try:
            for event in viewer.missing_events():
                if not self._watches(viewer):  # the page has sent another Watch meanwhile, which replaced this viewer
                    return
                size = await self.send_event(event, url=viewer.answer.url)
                count_frame(viewer.answer.delivery, event, size)
        except Disconnected:  # the page has gone, but Channels does not know yet
            hub().leave(viewer)
            return
        if viewer.done and self._watches(viewer):
            hub().leave(viewer)
            del self.viewers[viewer.answer.generation_id]

    def _watches(self, viewer: Viewer) -> bool:
        return self.viewers.get(viewer.answer.generation_id) is viewer

    async def send_event(self, event: AnyEvent, url: str = "") -> int:
        """Return the frame's size. ``url``: where the page can fetch the answer if AnswerFinished is too large."""
        if isinstance(event, Refused):
            sockets().refused[event.code] += 1
        frame = protocol.encode(event)
        if len(frame) > settings.EVENT_MAX_BYTES and isinstance(event, AnswerFinished):
            frame = protocol.encode(protocol.Resync(event.generation, url))
        frame = protocol.padded(frame, settings.FRAME_PADDING_BYTES)
        self.window.sent(len(frame))
        await self.send(text_data=frame.decode())
        return len(frame)

    # Broadcasts of changes, made by any process

    async def conversations_changed(self, message: dict[str, Any]) -> None:
        """An unknown change, from another version, only refreshes the sidebar."""
        change, here = next((known for known in Change if known == message["change"]), None), self.conversation
        if here is not None and str(here.pk) in message["conversations"]:
            if change is Change.ASKED:
                await self._show_others_click(here, UUID(message["request"]))
            elif change and (event := clicks.event_of(change, here.pk, message["title"])):
                await self.send_event(event)
        if change is not Change.SWITCHED:
            await self.send_event(protocol.SidebarChanged())

    async def _show_others_click(self, here: Conversation, request: UUID) -> None:
        """Another tab or device asked something in this conversation."""
        if request in self._asked:
            return
        change = await in_database(clicks.change_of_click, self.user, here, request)
        if change is not None:
            await self._show_change(change, request)

    async def answer_ended(self, message: dict[str, Any]) -> None:
        """The generation was stopped before any attempt, so its log has no terminal record."""
        await hub().check_ended({UUID(message["generation"])} & self.viewers.keys())

    async def sidebar_changed(self, message: dict[str, Any]) -> None:
        await self.send_event(protocol.SidebarChanged())


def is_page_of(user: AbstractBaseUser, scope: dict[str, Any]) -> bool:
    """False for a page opened by another account, before this one signed in with the same browser."""
    account = parse_qs(scope["query_string"].decode("latin1")).get("account")
    return account is None or account == [str(user.pk)]


def ids_of(command: AnyCommand) -> dict[str, UUID | None]:
    """For log lines: a click's id is the request's."""
    if isinstance(command, Click):
        return {"request": command.id}
    return {"generation": getattr(command, "generation", None)}
