"""Conversations as files: JSON with the whole tree, or Markdown of the shown path."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.core.serializers.json import DjangoJSONEncoder
from django.http import StreamingHttpResponse

from conversations.models import Conversation, Generation, Message
from conversations.models.generation import moments
from conversations.models.message import Role

FIGURES = (
    "status",
    "attempt",
    "model",
    "server",
    "prompt_tokens",
    "completion_tokens",
    "finish_reason",
    "error_code",
)


@dataclass(frozen=True)
class Format:
    write: Callable[[Iterable[Conversation]], Iterator[str]]
    content_type: str
    ending: str


def download(conversations: Iterable[Conversation], kind: str, name: str) -> StreamingHttpResponse:
    """A file that is written while it is sent. ``kind`` is one of FORMATS."""
    form = FORMATS[kind]
    response = StreamingHttpResponse(in_pieces(form.write(conversations)), content_type=form.content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}.{form.ending}"'
    response["Cache-Control"] = "private, no-store"
    return response


async def in_pieces(pieces: Iterator[str]) -> AsyncIterator[str]:
    """The pieces, each made in the request's thread. A plain iterator would be read to its end before it is sent."""
    take = sync_to_async(lambda: next(pieces, None))
    while (piece := await take()) is not None:
        yield piece


def as_json(conversations: Iterable[Conversation]) -> Iterator[str]:
    """A JSON array, a conversation at a time."""
    before = "[\n"
    for conversation in conversations:
        yield before + json.dumps(data_of(conversation), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def as_markdown(conversations: Iterable[Conversation]) -> Iterator[str]:
    """A conversation at a time."""
    for conversation in conversations:
        yield "".join([f"# {conversation.title}\n\n", *(markdown_of(message) for message in conversation.path())])


FORMATS = {
    "json": Format(as_json, "application/json", "json"),
    "markdown": Format(as_markdown, "text/markdown; charset=utf-8", "md"),
}


def markdown_of(message: Message) -> str:
    who = "Question" if message.role == Role.USER else f"Answer ({model_of(message)})"
    return f"## {who}, {message.created_at:%Y-%m-%d %H:%M}\n\n{message.text.strip()}\n\n"


def model_of(message: Message) -> str:
    generation = message.generation
    return generation.model if generation and generation.model else "no model"


def data_of(conversation: Conversation) -> dict[str, Any]:
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
    figures = {name: getattr(generation, name) for name in FIGURES}
    return {"id": generation.pk, **figures, "moments": dict(moments(generation))}
