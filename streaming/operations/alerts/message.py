"""The message of an alert: subject and text for people, fields for programs. docs/operate/alerts.md documents both."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from conversations.models import AlertDelivery, AlertRule
from conversations.models.operations.alert_delivery import Kind

PRODUCT = "Throughline"


@dataclass(frozen=True)
class Message:
    id: str  # the same at each try
    subject: str
    text: str
    data: dict[str, Any]


def message_of(delivery: AlertDelivery) -> Message:
    episode, rule = delivery.episode, delivery.episode.rule
    is_over = delivery.kind == Kind.RECOVERED
    name = f"alert-{episode.pk}-{int(episode.began_at.timestamp())}-{delivery.kind}"
    subject = f"{'Resolved' if is_over else rule.severity.capitalize()}: {episode}"
    times = f"It began at {episode.began_at:%Y-%m-%d %H:%M:%S %Z}"
    times += f" and was resolved at {episode.ended_at:%H:%M:%S}." if is_over else "."
    text = f"{'At worst: ' if is_over else ''}{episode.sentence} Condition: {rule.condition}. {times}"
    timestamps = {
        field: moment.isoformat() if (moment := getattr(episode, field)) else None
        for field in ("began_at", "raised_at", "ended_at")
    }
    values = {"subject": episode.subject, "value": episode.value, "worst": episode.worst}
    return made(name, delivery.kind, rule, subject, text, {**values, **timestamps})


def trial_message(rule: AlertRule) -> Message:
    """The message of the admin's “Send a test” button."""
    subject = f"Test of the alert “{rule}”"
    text = f"Nothing is wrong: an operator tests whether this arrives. Condition: {rule.condition}."
    return made(f"alert-test-{uuid4()}", "test", rule, subject, text, {})


def made(name: str, event: str, rule: AlertRule, subject: str, text: str, more: dict[str, Any]) -> Message:
    # A line break would end the mail header.
    subject = " ".join(subject.split())
    data = {
        "id": name,
        "event": event,
        "sent_at": int(time.time()),
        "text": f"{PRODUCT}: {subject}. {text}",
        "rule": rule.name,
        "severity": rule.severity,
        "figure": rule.figure,
        "comparison": rule.comparison,
        "threshold": rule.threshold,
    }
    return Message(name, f"[{PRODUCT}] {subject}", text, data | more)
