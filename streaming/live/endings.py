"""Reads finished answers from the database, renders them whole, and wakes their watchers."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from django.db import Error
from django.template.loader import render_to_string

from conversations.models import Generation, Message
from conversations.models.chat.message import PartKind, mark_siblings
from conversations.models.generation.generation import UNFINISHED
from conversations.templatetags.transcript import rendered
from streaming.coordination.database import in_database

from .answer import FinishedAnswer, LiveAnswer
from .delivery import DeliveryStats

logger = logging.getLogger(__name__)


class Endings:
    """One task per ended answer, so that the other answers go on meanwhile."""

    def __init__(self, stats: DeliveryStats):
        self._stats = stats
        self._running: dict[UUID, asyncio.Task[None]] = {}

    def begin(self, answer: LiveAnswer) -> None:
        """Does nothing if this answer's end is already being read."""
        pk = answer.generation_id
        if pk not in self._running:
            self._running[pk] = asyncio.create_task(self._show(answer), name=f"end of {pk}")
            self._running[pk].add_done_callback(lambda _: self._running.pop(pk))

    async def _show(self, answer: LiveAnswer) -> None:
        """The terminal record follows the database's commit, so the finished answer is there."""
        try:
            finished = await in_database(read_finished, answer.generation_id)
            if answer.has_all_of(finished):
                answer.finished = finished
            else:
                logger.warning("log of generation %s lacks its end", answer.generation_id)
                answer.broken = True
        except Error as error:  # the hub tries again
            logger.warning("the end of generation %s cannot be read: %s", answer.generation_id, error)
            answer.trouble = "delayed"
        except Exception:  # purged, for example: pages find out when they fetch the message
            logger.exception("the end of generation %s cannot be shown", answer.generation_id)
            answer.broken = True
        answer.wake()
        if answer.finished and not answer.ended_before:
            self._stats.add(answer.generation_id, answer.delivery)


def ended_among(generation_ids: list[UUID]) -> list[tuple[UUID, str, str]]:
    """Ids, statuses and error codes of those that have ended."""
    ended = Generation.objects.filter(pk__in=generation_ids).exclude(status__in=UNFINISHED)
    return list(ended.values_list("pk", "status", "error_code"))


def read_finished(generation_id: UUID) -> FinishedAnswer:
    """Queries the message with its parts, generations and siblings; renders the texts as the transcript does."""
    message = Message.objects.with_all().select_related("conversation").get(generations=generation_id)
    mark_siblings([message], message.conversation.messages.beside([message]))
    generation = next(g for g in message.generations.all() if g.pk == generation_id)
    texts, is_latest = message.texts(), message.generation == generation
    context = {"message": message, "generation": message.generation, "conversation": message.conversation}
    return FinishedAnswer(
        status=generation.status,
        footer=render_to_string("chat/message/_answer_footer.html", context),
        # ``rendered`` caches: the next page load gets it for free.
        blocks={key.name: rendered(text) for key, text in texts.items() if key.kind == PartKind.TEXT},
        texts={key.name: text for key, text in texts.items()} if is_latest else None,
        attempt=generation.attempt,
        error_code=generation.error_code,
        error=generation.error_sentence,
    )
