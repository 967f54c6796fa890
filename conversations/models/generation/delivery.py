"""What was shown of answers, and when, as web processes and browsers report it to the answers' timings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import models, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Least

from .generation import GenerationQuerySet
from .timing import GenerationTiming


@dataclass
class Delivery:
    """What one web process did for those who watched an answer."""

    received_at: datetime | None = None  # the click's command, if it came here
    first_frame_at: datetime | None = None
    viewers: int = 0  # most at once
    bytes: int = 0


@transaction.atomic
def add_deliveries(generations: GenerationQuerySet, shows: Mapping[UUID, Delivery]) -> None:
    """Beside what other processes have added; those that are not among ``generations`` are passed over."""
    known = list(generations.filter(pk__in=shows).order_by("pk").values_list("pk", flat=True))
    make_sure_of(known)
    for generation_id in known:
        show = shows[generation_id]
        GenerationTiming.objects.filter(pk=generation_id).update(
            received_at=Coalesce("received_at", Value(show.received_at, models.DateTimeField())),
            first_frame_at=earlier("first_frame_at", show.first_frame_at),
            viewers=Coalesce("viewers", 0) + show.viewers,
            socket_bytes=Coalesce("socket_bytes", 0) + show.bytes,
        )


@transaction.atomic
def note_paint(generations: GenerationQuerySet, generation_id: UUID, after_ms: int) -> bool:
    """False if it is not among these, or was told before."""
    if not generations.filter(pk=generation_id).exists():
        return False
    make_sure_of([generation_id])
    return bool(GenerationTiming.objects.filter(pk=generation_id, first_paint_ms=None).update(first_paint_ms=after_ms))


def make_sure_of(generation_ids: Iterable[UUID]) -> None:
    """That they have timings."""
    GenerationTiming.objects.bulk_create(
        [GenerationTiming(generation_id=pk) for pk in generation_ids], ignore_conflicts=True
    )


def earlier(field: str, moment: datetime | None) -> Least | F:
    """Than what the row has, which may be None, as this may."""
    if moment is None:
        return F(field)
    known = Value(moment, models.DateTimeField())
    return Least(Coalesce(field, known), known)
