"""Reads how answers ended from the database, and has it shown."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from django.db import Error

from conversations.models import Generation
from conversations.models.generation.generation import UNFINISHED
from streaming.coordination.database import in_database

from .finished import read_finished
from .shows import DeliveryStats
from .watched import Watched

logger = logging.getLogger(__name__)


class Endings:
    """Each is read while the other answers go on."""

    def __init__(self, shows: DeliveryStats):
        self._shows = shows
        self._running: dict[UUID, asyncio.Task[None]] = {}

    def begin(self, watched: Watched) -> None:
        """Nothing happens if it is being read."""
        pk = watched.answer.generation_id
        if pk not in self._running:
            self._running[pk] = asyncio.create_task(self._show(watched), name=f"end of {pk}")
            self._running[pk].add_done_callback(lambda _: self._running.pop(pk))

    async def _show(self, watched: Watched) -> None:
        """The terminal record came after the database's commit: what pages show of a finished answer is there."""
        answer = watched.answer
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
        except Exception:  # purged, for example: pages find out by fetching it
            logger.exception("the end of generation %s cannot be shown", answer.generation_id)
            answer.broken = True
        watched.wake()
        if answer.finished and not watched.is_old:
            self._shows.add(answer.generation_id, answer.show)


def ended_among(generation_ids: list[UUID]) -> list[tuple[UUID, str, str]]:
    """With status and error code. One query, if there is one to look at."""
    if not generation_ids:
        return []
    ended = Generation.objects.filter(pk__in=generation_ids).exclude(status__in=UNFINISHED)
    return list(ended.values_list("pk", "status", "error_code"))
