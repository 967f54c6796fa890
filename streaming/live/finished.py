"""What pages get when an answer has ended: read from the database, rendered whole."""

from __future__ import annotations

from uuid import UUID

from django.template.loader import render_to_string

from conversations.models import Message
from conversations.models.chat.message import PartKind, mark_siblings
from conversations.templatetags.transcript import rendered

from .answer import FinishedAnswer


def read_finished(generation_id: UUID) -> FinishedAnswer:
    """Queries the message with parts, generations and siblings; renders the texts as the history does."""
    message = Message.objects.with_all().select_related("conversation").get(generations=generation_id)
    mark_siblings([message], message.conversation.messages.beside([message]))
    generation = next(g for g in message.generations.all() if g.pk == generation_id)
    return FinishedAnswer(
        status=generation.status,
        footer=footer_of(message),
        blocks={
            f"{key.stage}.{key.kind}": rendered(text)  # kept: the page that is loaded next has it for nothing
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


def footer_of(message: Message) -> str:
    context = {"message": message, "generation": message.generation, "conversation": message.conversation}
    return render_to_string("chat/message/_answer_footer.html", context)


def message_html(message: Message) -> str:
    return render_to_string("chat/message/_message.html", {"message": message, "conversation": message.conversation})
