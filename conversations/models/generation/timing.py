"""The timing of an answer: what was measured of it besides the moments that its generation has.

Several processes write to one row, each its own fields and nothing else; a generation without a row is none the worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from conversations.models.chat.message import PartKey


class GenerationTiming(models.Model):
    generation = models.OneToOneField("Generation", on_delete=models.CASCADE, primary_key=True, related_name="timing")

    # By the worker, with the end; of the last attempt
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

    # By the worker, when pages have the end
    committed_at = models.DateTimeField(null=True, blank=True, help_text="The database has the end.")
    published_at = models.DateTimeField(null=True, blank=True, help_text="The log has it: pages are told.")

    # By the web processes, when they have shown the end
    received_at = models.DateTimeField(null=True, blank=True, help_text="The click's command.")
    first_frame_at = models.DateTimeField(null=True, blank=True, help_text="First text sent to a browser.")
    viewers = models.PositiveIntegerField(null=True, blank=True, help_text="Most that watched at once.")
    socket_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="Frames for all browsers.")

    # By the browser in which it was asked for
    first_paint_ms = models.PositiveIntegerField(null=True, blank=True, help_text="From the click to visible text.")

    def __str__(self) -> str:
        return f"timing of {self.generation_id}"

    @property
    def first_paint_s(self) -> float | None:
        return None if self.first_paint_ms is None else self.first_paint_ms / 1000

    @staticmethod
    def record(generation_id: UUID, **fields: Any) -> None:
        """The worker's fields, in the transaction that stores the end."""
        if fields:
            GenerationTiming.objects.bulk_create(
                [GenerationTiming(generation_id=generation_id, **fields)],
                update_conflicts=True,
                unique_fields=["generation"],
                update_fields=list(fields),
            )

    @staticmethod
    def record_end(generation_id: UUID, committed_at: datetime, published_at: datetime) -> None:
        """The worker's last fields: they cannot be stored with the end, which they come after."""
        GenerationTiming.objects.filter(pk=generation_id).update(committed_at=committed_at, published_at=published_at)


def text_bytes(texts: Mapping[PartKey, str]) -> int:
    """In UTF-8."""
    return sum(len(text) if text.isascii() else len(text.encode()) for text in texts.values())
