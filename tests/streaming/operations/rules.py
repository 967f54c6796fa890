"""Rules of alerts, and a clock, for their tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from conversations.models import AlertEpisode, AlertRule
from conversations.models.operations.alert_rule import Comparison, Figure
from streaming.operations.alerts.readings import Reading
from streaming.operations.alerts.watch import follow

START = timezone.now() - timedelta(hours=2)


def rule(figure: Figure = Figure.QUEUE, threshold: float = 10, **fields: Any) -> AlertRule:
    """The only one."""
    AlertRule.objects.all().delete()
    values = {"name": "A long queue", "comparison": Comparison.ABOVE, **fields}
    return AlertRule.objects.create(figure=figure, threshold=threshold, **values)


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def look(of: AlertRule, at: float, reading: float | Reading | None) -> None:
    """What a watcher sees at this minute."""
    known: Reading = {"": reading} if reading is None or isinstance(reading, float | int) else reading
    follow(of, known, minute(at))


def raised() -> list[str]:
    """Of each that was ever raised: its subject, and whether it is over."""
    rows = AlertEpisode.objects.exclude(raised_at=None).order_by("pk")
    return [f"{episode.subject}{' over' if episode.ended_at else ' open'}".strip() for episode in rows]
