"""Measurements of an answer, besides the times in its Generation.

Several processes write to one row, each only its own fields. The row is optional.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Least

from conversations.models.chat.message import PartKey

if TYPE_CHECKING:
    from .generation import GenerationQuerySet


class GenerationTiming(models.Model):
    generation = models.OneToOneField("Generation", on_delete=models.CASCADE, primary_key=True, related_name="timing")

    # Written by the worker with the end; for the last attempt
    first_byte_at = models.DateTimeField(
        null=True, blank=True, help_text="Of the model server's response that brought the first token."
    )
    first_append_at = models.DateTimeField(null=True, blank=True, help_text="First text that Redis has in the log.")
    gap_p50_ms = models.FloatField(null=True, blank=True, help_text="Between pieces of text from the model server.")
    gap_p95_ms = models.FloatField(null=True, blank=True)
    gap_longest_ms = models.FloatField(null=True, blank=True)
    text_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="UTF-8, of all its text.")
    redis_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="Sent for its log.")
    database_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="Text of partial and last saves.")

    # Written by the worker, when the end is published
    committed_at = models.DateTimeField(null=True, blank=True, help_text="The database has the end.")
    published_at = models.DateTimeField(null=True, blank=True, help_text="The log has it: pages have it.")

    # Written by web processes, when they have shown the end
    received_at = models.DateTimeField(null=True, blank=True, help_text="The click's command.")
    first_frame_at = models.DateTimeField(null=True, blank=True, help_text="First text sent to a browser.")
    viewers = models.PositiveIntegerField(null=True, blank=True, help_text="Most that watched at once.")
    socket_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="Frames for all browsers.")

    # Reported by the browser that asked
    first_paint_ms = models.PositiveIntegerField(null=True, blank=True, help_text="From the click to visible text.")

    def __str__(self) -> str:
        return f"timing of {self.generation_id}"

    @property
    def first_paint_s(self) -> float | None:
        return None if self.first_paint_ms is None else self.first_paint_ms / 1000

    @staticmethod
    def record(generation_id: UUID, **fields: Any) -> None:
        """Store the worker's fields; called in the transaction that stores the end."""
        if fields:
            GenerationTiming.objects.bulk_create(
                [GenerationTiming(generation_id=generation_id, **fields)],
                update_conflicts=True,
                unique_fields=["generation"],
                update_fields=list(fields),
            )

    @staticmethod
    def record_end(generation_id: UUID, committed_at: datetime, published_at: datetime) -> None:
        """Store the worker's last fields, which are known only after the end is stored."""
        GenerationTiming.objects.filter(pk=generation_id).update(committed_at=committed_at, published_at=published_at)


def text_bytes(texts: Mapping[PartKey, str]) -> int:
    """The total size in UTF-8."""
    return sum(len(text) if text.isascii() else len(text.encode()) for text in texts.values())


# Written by web processes and browsers


@dataclass
class Delivery:
    """One web process's delivery of an answer to its viewers."""

    received_at: datetime | None = None  # of the click's command, if this process received it
    first_frame_at: datetime | None = None
    viewers: int = 0  # most at once
    bytes: int = 0


@transaction.atomic
def add_deliveries(generations: GenerationQuerySet, deliveries: Mapping[UUID, Delivery]) -> None:
    """Add to what other processes have stored. Ignores deliveries that are not of ``generations``."""
    known = list(generations.filter(pk__in=deliveries).order_by("pk").values_list("pk", flat=True))
    ensure_timings(known)
    for generation_id in known:
        delivery = deliveries[generation_id]
        GenerationTiming.objects.filter(pk=generation_id).update(
            received_at=Coalesce("received_at", Value(delivery.received_at, models.DateTimeField())),
            first_frame_at=earlier("first_frame_at", delivery.first_frame_at),
            viewers=Coalesce("viewers", 0) + delivery.viewers,
            socket_bytes=Coalesce("socket_bytes", 0) + delivery.bytes,
        )


@transaction.atomic
def store_first_paint(generations: GenerationQuerySet, generation_id: UUID, after_ms: int) -> bool:
    """Return False if the generation is not among these, or was reported before."""
    if not generations.filter(pk=generation_id).exists():
        return False
    ensure_timings([generation_id])
    return bool(GenerationTiming.objects.filter(pk=generation_id, first_paint_ms=None).update(first_paint_ms=after_ms))


def ensure_timings(generation_ids: Iterable[UUID]) -> None:
    rows = [GenerationTiming(generation_id=pk) for pk in generation_ids]
    GenerationTiming.objects.bulk_create(rows, ignore_conflicts=True)


def earlier(field: str, moment: datetime | None) -> Least | F:
    """The earlier of the stored time and ``moment``. Either may be None."""
    if moment is None:
        return F(field)
    known = Value(moment, models.DateTimeField())
    return Least(Coalesce(field, known), known)
