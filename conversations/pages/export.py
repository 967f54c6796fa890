"""Exports conversations as JSON (the whole tree) or Markdown (the shown path)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from conversations.models import Conversation, Generation, Message
from conversations.models.chat.message import Role
from conversations.models.generation.timeline import moments

PIECE = 64 * 1024  # characters
BATCH = 10  # messages or conversations per query
EXPORTED_FIELDS = (
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
    """A response that streams the file. ``kind`` is one of FORMATS."""
    form = FORMATS[kind]
    response = StreamingHttpResponse(in_pieces(form.write(conversations)), content_type=form.content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}.{form.ending}"'
    response["Cache-Control"] = "private, no-store"
    return response


async def in_pieces(parts: Iterator[str]) -> AsyncIterator[str]:
    """Yield pieces of about PIECE characters, each made in the request's thread on demand. Django would read a
    synchronous iterator to its end before sending anything."""
    take = sync_to_async(next_piece)
    while piece := await take(parts):
        yield piece


def next_piece(parts: Iterator[str]) -> str:
    """Return "" at the end. Closes the database connection, so that slow readers don't hold one."""
    taken: list[str] = []
    size = 0
    while size < PIECE and (part := next(parts, None)) is not None:
        taken.append(part)
        size += len(part)
    if not connection.in_atomic_block:
        connection.close()
    return "".join(taken)


def one_by_one(conversations: QuerySet[Conversation]) -> Iterator[Conversation]:
    """Without a cursor that stays open."""
    for pks in batches(list(conversations.values_list("pk", flat=True))):
        found = conversations.in_bulk(pks)
        yield from (found[pk] for pk in pks if pk in found)


def with_texts(pks: list[UUID]) -> Iterator[Message]:
    """Messages with parts and generations, in batches: a long conversation may not fit into memory."""
    for some in batches(pks):
        found = Message.objects.with_all().in_bulk(some)
        yield from (found[pk] for pk in some if pk in found)


def batches(pks: list[UUID]) -> Iterator[list[UUID]]:
    return (pks[begin : begin + BATCH] for begin in range(0, len(pks), BATCH))


def as_json(conversations: Iterable[Conversation]) -> Iterator[str]:
    """A JSON array, written message by message."""
    before = "[\n"
    for conversation in conversations:
        yield before + as_text(data_of(conversation))[:-2] + ',\n  "messages": ['
        between = "\n"
        for message in with_texts(list(conversation.messages.values_list("pk", flat=True))):
            yield between + "    " + as_text(message_data(message)).replace("\n", "\n    ")
            between = ",\n"
        yield "]\n}" if between == "\n" else "\n  ]\n}"
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def as_text(data: dict[str, Any]) -> str:
    return json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)


def as_markdown(conversations: Iterable[Conversation]) -> Iterator[str]:
    """Written message by message."""
    for conversation in conversations:
        yield f"# {conversation.title}\n\n"
        yield from (markdown_of(message) for message in with_texts(conversation.path_ids()))


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
    """Without the messages."""
    return {
        "id": conversation.pk,
        "title": conversation.title,
        "created_at": conversation.created_at,
        "shown_until": conversation.leaf_id,
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
    values = {name: getattr(generation, name) for name in EXPORTED_FIELDS}
    return {"id": generation.pk, **values, "moments": dict(moments(generation))}
