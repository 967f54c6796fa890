"""A small language for tests: who asks what, and how it is answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import Conversation, Generation, Message
from conversations.models.chat.asking import Request
from conversations.models.chat.message import ANSWER
from conversations.models.generation.generation import Status

QUESTION = "Why is the sky blue?"
REPLY = "Because of **Rayleigh** scattering."


def click(client_id: UUID | None = None) -> Request:
    return Request(client_id or uuid4())


def begin(owner: User, question: str = QUESTION) -> Generation:
    """A new conversation, whose answer is queued."""
    return Conversation.begin(owner, question, click())


def talk(owner: User, question: str = QUESTION, reply: str = REPLY, **fields: Any) -> Conversation:
    """A conversation with one question and its answer."""
    generation = answered(begin(owner, question), reply)
    return changed(generation.message.conversation, **fields)


def go_on(conversation: Conversation, question: str = QUESTION, reply: str = REPLY) -> Message:
    """One more question; its answer."""
    return answered(conversation.ask(question, click()), reply).message


def answered(generation: Generation, reply: str = REPLY, status: Status = Status.DONE, **fields: Any) -> Generation:
    assert generation.claim()
    figures = {"model": "a-model", "completion_tokens": 7, **fields}
    assert generation.finish(status, {ANSWER: reply}, **figures)
    return generation


def failed(generation: Generation, reply: str = "") -> Generation:
    return answered(generation, reply, Status.FAILED, error_code="no_server")


def shown(conversation: Conversation) -> list[str]:
    """The texts of the shown path."""
    conversation.refresh_from_db()
    return [message.text for message in conversation.path()]


def question_of(conversation: Conversation) -> Message:
    return conversation.messages.get(role="user")


def answer_of(conversation: Conversation) -> Message:
    return conversation.messages.get(role="assistant")


def days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def changed(conversation: Conversation, **fields: Any) -> Conversation:
    if fields:
        Conversation.objects.filter(pk=conversation.pk).update(**fields)
    conversation.refresh_from_db()
    return conversation
