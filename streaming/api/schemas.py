"""JSON of requests and responses. docs/api.md describes the fields."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from ninja import Field, Schema

from conversations.models import Conversation, Generation, Message
from conversations.models.chat.message import Role
from streaming.protocol import LONGEST_SLUG


class Question(Schema):
    """A question to be answered."""

    text: str = Field(
        max_length=settings.FRAME_MAX_BYTES, description="Markdown, at most MESSAGE_MAX_LENGTH characters."
    )
    id: UUID | None = Field(
        None, description="A UUID that you generate for this question. Sent again, it gets the same answer."
    )
    mode: Literal["auto", "quick", "balanced", "deep"] = Field(
        "quick",
        description="How thorough the answer is. quick has one stage and one text; the others can have several.",
    )
    tier: str = Field("", max_length=LONGEST_SLUG, description="The model that answers. Empty: any.")
    stream: bool = Field(False, description="Respond with the event stream, as Accept: text/event-stream does.")


class FollowUp(Question):
    edits: UUID | None = Field(
        None, description="The question that this one is an edit of. Empty: it is added at the end."
    )


class ErrorView(Schema):
    code: str
    message: str = Field(description="A sentence for humans.")


class Refusal(Schema):
    error: ErrorView


class GenerationView(Schema):
    """One answer being made."""

    id: UUID
    conversation: UUID
    message: UUID = Field(description="The answer.")
    status: Literal["queued", "running", "done", "stopped", "failed"]
    text: str = Field(
        description="Markdown. While it is being written, the last saved text, at most a few seconds old."
    )
    thinking: str
    model: str
    attempt: int = Field(description="Attempts so far.")
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cached: Literal["no", "partly", "yes"] = Field(description="Whether stages came from the response cache.")
    accepted_at: datetime
    finished_at: datetime | None
    error: ErrorView | None
    events: str = Field(description="The address of its event stream.")

    @staticmethod
    def of(generation: Generation, message: Message) -> GenerationView:
        """Reads the message's parts."""
        return GenerationView(
            id=generation.pk,
            conversation=message.conversation_id,
            message=message.pk,
            status=generation.status,  # type: ignore[arg-type]
            text=message.text,
            thinking=message.thinking,
            model=generation.model,
            attempt=generation.attempt,
            finish_reason=generation.finish_reason,
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=generation.completion_tokens,
            cached=generation.cached,
            accepted_at=generation.accepted_at,
            finished_at=generation.finished_at,
            error=error_of(generation),
            events=events_url(generation.pk),
        )


class PartView(Schema):
    part: str = Field(description="Stage and kind, as in the events: 0.text, 0.thinking.")
    text: str


class MessageView(Schema):
    id: UUID
    parent: UUID | None
    role: Literal["user", "assistant"]
    state: Literal["queued", "streaming", "done", "stopped", "failed"]
    text: str
    parts: list[PartView]
    created_at: datetime
    generation: GenerationView | None = Field(description="The latest one; null for a question.")

    @staticmethod
    def of(message: Message) -> MessageView:
        generation = message.generation if message.role == Role.ASSISTANT else None
        return MessageView(
            id=message.pk,
            parent=message.parent_id,
            role=message.role,  # type: ignore[arg-type]
            state=message.state,  # type: ignore[arg-type]
            text=message.text,
            parts=[PartView(part=key.name, text=text) for key, text in message.texts().items()],
            created_at=message.created_at,
            generation=GenerationView.of(generation, message) if generation else None,
        )


class ConversationView(Schema):
    id: UUID
    title: str
    url: str = Field(description="The address of its page.")
    created_at: datetime
    used_at: datetime

    @staticmethod
    def of(conversation: Conversation) -> ConversationView:
        return ConversationView(
            id=conversation.pk,
            title=conversation.title,
            url=conversation.get_absolute_url(),
            created_at=conversation.created_at,
            used_at=conversation.used_at,
        )


class ConversationPage(Schema):
    conversations: list[ConversationView]
    next: UUID | None = Field(description="Send it as before= to get the next page; null on the last.")


class WholeConversation(ConversationView):
    messages: list[MessageView] = Field(description="The shown path, starting with the first message.")


class Asked(Schema):
    """The stored question, and the generation of its answer."""

    conversation: ConversationView
    question: MessageView
    generation: GenerationView


def error_of(generation: Generation) -> ErrorView | None:
    code = generation.error_code
    return ErrorView(code=code, message=generation.error_sentence) if code else None


def events_url(generation_id: UUID) -> str:
    return reverse("api:events", args=[generation_id])
