"""Erasures that remain to be done: traces of purged conversations outside of the database's rows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils import timezone

from conversations import events, site_time
from conversations.events import Change, ConversationsChanged, StopRequested
from conversations.models.generation.generation import UNFINISHED, Generation

if TYPE_CHECKING:
    from .conversation import Conversation


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def before(self, moment: datetime) -> Self:
        return self.filter(erased_at__lte=moment)


class Erasure(models.Model):
    """Created in the transaction that deletes the rows, so that no trace is missed if a process or Redis dies.

    Stores only the ids of the owner and of the conversation's generations.
    """

    owner_key = models.BigIntegerField()
    generations = models.JSONField(default=list)
    erased_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = ErasureQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{len(self.generations)} generations at {self.erased_at:%Y-%m-%d %H:%M}"


def announce_erasure(instance: Conversation, **_: object) -> None:
    """Before a conversation's rows are deleted (by a purge, in a shell, or with the owner's account), record the
    erasure and stop unfinished answers."""
    statuses = dict(Generation.objects.of(instance.pk).values_list("pk", "status"))
    generations = [str(pk) for pk in statuses]
    Erasure.objects.create(owner_key=instance.owner_id, generations=generations, erased_at=site_time.now())
    events.publish(ConversationsChanged(Change.ERASED, instance.owner_id, (instance.pk,), generations=tuple(statuses)))
    for pk, status in statuses.items():
        if status in UNFINISHED:
            events.publish(StopRequested(pk, instance.owner_id))
