"""Conversations: list, begin, read, ask in, delete."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID, uuid4

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q
from django.http.response import HttpResponseBase
from ninja import Query, Router, Status

from conversations import site_time
from conversations.models import Conversation, Generation, Message
from streaming.chat import clicks
from streaming.coordination.database import in_database
from streaming.coordination.user_limits import limits
from streaming.protocol import SendMessage
from streaming.telemetry import correlation, tracing

from .auth import ApiRequest, user_of
from .errors import REFUSALS, NotFound
from .events import MEDIA_TYPE, Stream, response_of
from .schemas import (
    Asked,
    ConversationPage,
    ConversationView,
    FollowUp,
    GenerationView,
    MessageView,
    Question,
    Refusal,
    WholeConversation,
)

PAGE_LENGTH = 30
PAGE_MAX_LENGTH = 100

router = Router(tags=["conversations"])


@router.get(
    "", response={200: ConversationPage, REFUSALS: Refusal}, url_name="conversations", summary="List conversations"
)
async def list_conversations(
    request: ApiRequest,
    limit: Annotated[
        int, Query(ge=1, le=PAGE_MAX_LENGTH, description="The most conversations to return.")
    ] = PAGE_LENGTH,
    before: Annotated[UUID | None, Query(description="`next` of the previous page.")] = None,
) -> ConversationPage:
    """Latest begun first. The order never changes, so pages neither repeat nor skip conversations."""
    return await in_database(page_of, user_of(request), limit, before)


@router.post("", response={201: Asked, REFUSALS: Refusal}, summary="Start a conversation")
async def begin(request: ApiRequest, question: Question) -> HttpResponseBase | Status[Asked]:
    """Store a first question, and answer it."""
    return await accept(request, None, question)


@router.get(
    "/{uuid:conversation_id}",
    response={200: WholeConversation, REFUSALS: Refusal},
    url_name="conversation",
    summary="Read a conversation",
)
async def read(request: ApiRequest, conversation_id: UUID) -> WholeConversation:
    """With the messages of the shown path, their parts and their state."""
    return await in_database(whole_of, user_of(request), conversation_id)


@router.post(
    "/{uuid:conversation_id}/messages",
    response={201: Asked, REFUSALS: Refusal},
    url_name="messages",
    summary="Ask in a conversation",
)
async def ask(request: ApiRequest, conversation_id: UUID, question: FollowUp) -> HttpResponseBase | Status[Asked]:
    """Store a question at the end of the shown path, and answer it."""
    return await accept(request, conversation_id, question)


@router.delete("/{uuid:conversation_id}", response={204: None, REFUSALS: Refusal}, summary="Delete a conversation")
async def delete(request: ApiRequest, conversation_id: UUID) -> Status[None]:
    """It disappears at once, its unfinished answers stop, and it is erased later."""
    await in_database(remove, user_of(request), conversation_id)
    return Status(204, None)


# Implementation


def page_of(user: AbstractBaseUser, limit: int, before: UUID | None) -> ConversationPage:
    listed = Conversation.objects.visible_to(user).order_by("-created_at", "-pk")
    if before is not None:
        last = Conversation.objects.owned_by(user).filter(pk=before).first()  # deleted meanwhile, perhaps
        if last is None:
            raise NotFound
        listed = listed.filter(Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk))
    rows = list(listed[: limit + 1])
    shown = [ConversationView.of(row) for row in rows[:limit]]
    return ConversationPage(conversations=shown, next=shown[-1].id if len(rows) > limit else None)


def found(user: AbstractBaseUser, conversation_id: UUID) -> Conversation:
    """Raises NotFound, also for other users' conversations."""
    conversation = Conversation.objects.visible_to(user).filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFound
    return conversation


def whole_of(user: AbstractBaseUser, conversation_id: UUID) -> WholeConversation:
    """With the messages of the shown path, their parts and their state."""
    conversation = found(user, conversation_id)
    messages = [MessageView.of(message) for message in conversation.path()]
    return WholeConversation(**ConversationView.of(conversation).dict(), messages=messages)


def remove(user: AbstractBaseUser, conversation_id: UUID) -> None:
    """Raises NotFound."""
    found(user, conversation_id).delete_softly()


async def accept(
    request: ApiRequest, conversation_id: UUID | None, question: Question
) -> HttpResponseBase | Status[Asked]:
    """Store and dispatch; respond with what was stored, or with the event stream if the program asks for it."""
    user = user_of(request)
    edits = question.edits if isinstance(question, FollowUp) else None
    command = SendMessage(
        question.id or uuid4(), text=question.text, edits=edits, mode=question.mode, tier=question.tier
    )
    received = site_time.now()
    wants_events = question.stream or MEDIA_TYPE in request.headers.get("Accept", "")
    slot = await limits().take_stream(user.pk) if wants_events else None
    generation, asked = await in_database(store, user, conversation_id, command)
    correlation.add(generation=generation.pk, conversation=asked.conversation.id)
    tracing.report_command(generation, type(command).__name__, received, generation.accepted_at)
    if slot:
        response = response_of(Stream(request.auth, generation, "", slot), status=201)
        response["Location"] = asked.generation.events
        return response
    return Status(201, asked)


def store(user: AbstractBaseUser, conversation_id: UUID | None, command: SendMessage) -> tuple[Generation, Asked]:
    """Raises NotFound, ConversationError."""
    conversation = found(user, conversation_id) if conversation_id else None
    generation = clicks.accept(user, conversation, command)
    messages = Message.objects.with_all().select_related("conversation")
    answer = messages.get(pk=generation.message_id)
    generation.message = answer
    asked = Asked(
        conversation=ConversationView.of(answer.conversation),
        question=MessageView.of(messages.get(children=answer)),
        generation=GenerationView.of(generation, answer),
    )
    return generation, asked
