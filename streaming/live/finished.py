"""What pages get when an answer has ended: read from the database, rendered whole."""

from __future__ import annotations

from uuid import UUID

from django.template.loader import render_to_string

from conversations.models import Generation, Message
from conversations.models.message import PartKind
from conversations.rendering import render_blocks

from .answer import FinishedAnswer


def read_finished(generation_id: UUID) -> FinishedAnswer:
    """Queries the generation, its message and the parts; renders the texts as the history does."""
    generation = Generation.objects.get(pk=generation_id)
    message = Message.objects.with_all().select_related("conversation").get(pk=generation.message_id)
    message.siblings = siblings_of(message)
    return FinishedAnswer(
        status=generation.status,
        footer=footer_of(message),
        blocks={
            f"{key.stage}.{key.kind}": render_blocks(text)
            for key, text in message.texts().items()
            if key.kind == PartKind.TEXT
        },
        texts=texts_by_name(message) if message.generation == generation else None,
        attempt=generation.attempt,
        error_code=generation.error_code,
        error=generation.error_sentence,
    )


def texts_by_name(message: Message) -> dict[str, str]:
    return {f"{key.stage}.{key.kind}": text for key, text in message.texts().items()}


def siblings_of(message: Message) -> list[UUID]:
    beside = Message.objects.filter(conversation=message.conversation_id, parent=message.parent_id)
    return list(beside.values_list("pk", flat=True))


def footer_of(message: Message) -> str:
    context = {"message": message, "generation": message.generation, "conversation": message.conversation}
    return render_to_string("chat/_answer_footer.html", context)


def message_html(message: Message) -> str:
    return render_to_string("chat/_message.html", {"message": message, "conversation": message.conversation})
