"""Conversations as files: JSON with the whole tree, or Markdown of the shown path."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from conversations.models import Conversation, Generation, Message
from conversations.models.generation import moments
from conversations.models.message import Role


def as_json(conversations: Iterable[Conversation]) -> Iterator[str]:
    """A JSON array, in pieces."""
    yield "[\n"
    for number, conversation in enumerate(conversations):
        yield ",\n" if number else ""
        yield json.dumps(conversation_data(conversation), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    yield "\n]\n"


def as_markdown(conversations: Iterable[Conversation]) -> Iterator[str]:
    for conversation in conversations:
        yield f"# {conversation.title}\n\n"
        for message in conversation.path():
            who = "Question" if message.role == Role.USER else f"Answer ({model_of(message)})"
            yield f"## {who}, {message.created_at:%Y-%m-%d %H:%M}\n\n{message.text.strip()}\n\n"


def conversation_data(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": conversation.pk,
        "title": conversation.title,
        "created_at": conversation.created_at,
        "shown_until": conversation.leaf_id,
        "messages": [message_data(message) for message in conversation.messages.with_all()],
    }


def message_data(message: Message) -> dict[str, Any]:
    return {
        "id": message.pk,
        "parent": message.parent_id,
        "role": message.role,
        "created_at": message.created_at,
        "parts": [{"stage": p.stage, "kind": p.kind, "text": p.text} for p in message.parts.all()],
        "generations": [generation_data(generation) for generation in message.generations.all()],
    }


def generation_data(generation: Generation) -> dict[str, Any]:
    names = (
        "status",
        "attempt",
        "model",
        "server",
        "prompt_tokens",
        "completion_tokens",
        "finish_reason",
        "error_code",
    )
    return {
        "id": generation.pk,
        **{name: getattr(generation, name) for name in names},
        "moments": dict(moments(generation)),
    }


def model_of(message: Message) -> str:
    generation = message.generation
    return generation.model if generation and generation.model else "no model"
