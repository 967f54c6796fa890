"""What still has to be erased of conversations whose rows are gone: traces that are not in the database's rows."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.utils import timezone


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def before(self, moment: datetime) -> Self:
        return self.filter(erased_at__lte=moment)


class Erasure(models.Model):
    """Made in the transaction that deletes the rows, so that no trace is forgotten if a process ends, or Redis does.

    Ids alone: of the owner, and of the conversation's generations.
    """

    owner_key = models.BigIntegerField()
    generations = models.JSONField(default=list)
    erased_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = ErasureQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{len(self.generations)} generations at {self.erased_at:%Y-%m-%d %H:%M}"
