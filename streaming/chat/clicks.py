"""What a click does: stores its messages, dispatches its answer, and builds the events that show this to pages."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string

from conversations.events import Change
from conversations.models import Conversation, Generation, Message
from conversations.models.chat.asking import ConversationError, Request, TooManyWaiting, UnknownMessage
from conversations.models.chat.message import mark_siblings
from conversations.models.generation.generation import Status
from conversations.models.generation.timing import store_first_paint
from streaming.coordination.database import in_database
from streaming.coordination.dispatch import dispatch
from streaming.coordination.user_limits import count_request
from streaming.live.hub import hub
from streaming.planning import budgets
from streaming.planning.estimate import Kind, expected_tokens
from streaming.protocol import (
    AnyEvent,
    Click,
    Continue,
    ConversationDeleted,
    ConversationRestored,
    ConversationTitled,
    MessageView,
    Painted,
    PathSwitched,
    Regenerate,
    Retry,
    SendMessage,
)

logger = logging.getLogger(__name__)

User = AbstractBaseUser | AnonymousUser


class NoConversation(ConversationError):
    code = "no_conversation"

    def __init__(self) -> None:
        super().__init__("This chat has no answer yet. Send a message first.")


@dataclass(frozen=True)
class PathChange:
    """A change of the shown path, as sent to pages."""

    conversation: UUID
    url: str
    title: str
    generation: Generation
    parent: UUID | None  # the last message that stays
    messages: tuple[MessageView, ...]  # what follows ``parent`` now


def take_click(
    user: AbstractBaseUser, conversation: Conversation | None, click: Click, *, streams: bool = True
) -> PathChange:
    """For a page; call it in a thread. A repeated click returns the same path change. Raises ConversationError."""
    count_request(user.pk)
    return path_change(accept(user, conversation, click, streams=streams), click)


def accept(
    user: AbstractBaseUser, conversation: Conversation | None, click: Click, *, streams: bool = True
) -> Generation:
    """Store the click's messages and dispatch its answer. Raises ConversationError."""
    generation = store(user, conversation, click, streams=streams)
    if generation.status == Status.QUEUED:
        logger.info("generation %s accepted", generation.pk)
        dispatch(generation)
    return generation


@transaction.atomic
def store(
    user: AbstractBaseUser, conversation: Conversation | None, click: Click, *, streams: bool = True
) -> Generation:
    """Stores nothing if a limit or a budget refuses the answer. Raises ConversationError."""
    request = request_of(click, streams=streams)
    match click, conversation:
        case SendMessage(text=text), None:
            generation = Conversation.begin(user, text, request)
        case _, None:
            raise NoConversation
        case SendMessage(text=text, edits=edits), Conversation():
            generation = conversation.ask(text, request, edits=edits)
        case Regenerate(message=message), Conversation():
            generation = conversation.regenerate(message, request)
        case Continue(message=message), Conversation():
            generation = conversation.continue_answer(message, request)
        case Retry(message=message), Conversation():
            generation = conversation.retry(message, request)
        case _:
            raise TypeError(click)
    if generation.is_new:
        check_waiting(user)
        budgets.check(generation)
    return generation


def check_waiting(user: AbstractBaseUser) -> None:
    """Raises TooManyWaiting if the user has more unfinished answers than may wait and run together."""
    unfinished = Generation.objects.unfinished().filter(message__conversation__owner_id=user.pk)
    if unfinished.count() > settings.WAITING_ANSWERS_PER_USER + settings.RUNNING_ANSWERS_PER_USER:
        raise TooManyWaiting(settings.WAITING_ANSWERS_PER_USER)


def request_of(command: Click, *, streams: bool) -> Request:
    length = len(command.text) if isinstance(command, SendMessage) else 0
    request = Request(command.id, command.clicked, streams=streams)
    if isinstance(command, SendMessage | Regenerate | Retry):
        expected = expected_tokens(length, Kind(command.mode or settings.DEFAULT_MODE))
        request = replace(request, mode=command.mode, tier=command.tier[:40], expected_tokens=expected)
    return replace(request, fresh=command.fresh) if isinstance(command, Regenerate) else request


def change_of_click(user: User, conversation: Conversation, request: UUID) -> PathChange | None:
    """The path change of another page's click; None if the conversation or the generation no longer exists."""
    if not Conversation.objects.visible_to(user).filter(pk=conversation.pk).exists():
        return None
    generation = Generation.objects.of(conversation.pk).filter(client_id=request).first()
    return path_change(generation, None) if generation else None


def path_change(generation: Generation, command: Click | None) -> PathChange:
    """Includes the question, unless the click asked only for another answer, and all messages that follow the answer:
    the page shows nothing else below."""
    new_messages = Q(pk=generation.message_id)
    if not isinstance(command, Regenerate | Continue | Retry):
        new_messages |= Q(children=generation.message_id)
    conversation = generation.message.conversation
    if conversation.leaf_id != generation.message_id:
        new_messages |= Q(pk__in=following(conversation, generation.message_id))
    shown = list(conversation.messages.with_all().filter(new_messages))
    mark_siblings(shown, conversation.messages.beside(shown))
    return PathChange(
        conversation=conversation.pk,
        url=conversation.get_absolute_url(),
        title=conversation.title,
        generation=generation,
        parent=shown[0].parent_id,
        messages=tuple(view_of(message) for message in shown),
    )


def following(conversation: Conversation, message: UUID) -> list[UUID]:
    """The messages below this one on the shown path; none if it is not on it. One query."""
    path = conversation.path_ids()
    return path[path.index(message) + 1 :] if message in path else []


def event_of(change: Change, conversation: UUID, title: str) -> AnyEvent | None:
    """The event for a page of this conversation after any change but its path's; None if the page shows none of it."""
    match change:
        case Change.SWITCHED:
            return PathSwitched(conversation)
        case Change.TITLED:
            return ConversationTitled(conversation, title)
        case Change.DELETED | Change.ERASED:
            return ConversationDeleted(conversation, undo=change is Change.DELETED)
        case Change.RESTORED:
            return ConversationRestored(conversation)
    return None


def view_of(message: Message) -> MessageView:
    context = {"message": message, "conversation": message.conversation}
    return MessageView(message.pk, message.role, render_to_string("chat/message/_message.html", context))


def unfinished_and_latest(conversation_id: UUID) -> tuple[list[UUID], UUID | None]:
    """The unfinished generations, and the one accepted last. Two queries."""
    generations = Generation.objects.of(conversation_id)
    latest = generations.order_by("-accepted_at").values_list("pk", flat=True).first()
    return list(generations.unfinished().values_list("pk", flat=True)), latest


def visible_generation(user: User, generation_id: UUID) -> Generation:
    """Raises UnknownMessage, for other users' generations too."""
    visible = Generation.objects.filter(message__conversation__in=Conversation.objects.visible_to(user))
    found = visible.select_related("message").filter(pk=generation_id).first()
    if found is None:
        raise UnknownMessage
    return found


def watchable(user: User, generation_id: UUID) -> Generation:
    """Like ``visible_generation``, for a page that will watch it: counts a request. Raises TooManyRequests too."""
    count_request(user.pk or 0)
    return visible_generation(user, generation_id)


def record_paint(user: User, report: Painted) -> bool:
    """False for other users' generations, and if a paint was reported before."""
    visible = Generation.objects.filter(message__conversation__in=Conversation.objects.visible_to(user))
    return store_first_paint(visible, report.generation, report.after_ms)


async def stop(user: User, generation_id: UUID) -> None:
    """Request a stop. A generation that no attempt has begun ends at once, without a terminal record in its log.

    Raises UnknownMessage.
    """
    generation = await in_database(visible_generation, user, generation_id)
    if not await in_database(generation.request_stop):
        await hub().check_ended([generation_id])
