"""The life of an answer as a trace, told to an OpenTelemetry collector if OTEL_EXPORTER_OTLP_ENDPOINT is set.

A trace is a generation. Its id is the generation's, and each span's follows from its key, so that web and workers make
one trace without telling each other anything. Spans are told when they have ended: none is made between two tokens.
What is switched off imports nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from conversations import site_time
from conversations.models import Generation
from conversations.models.generation.generation import Status

if TYPE_CHECKING:
    from .otlp import Exporter

Attributes = Mapping[str, str | int | float | bool]

ROOT = "generation"
UUID_LENGTH = 36


@dataclass(frozen=True)
class Span:
    """``key`` is unique within the generation; ``parent`` is another's, or ROOT. No text of users is in it."""

    generation_id: UUID
    name: str
    key: str
    begun: datetime
    ended: datetime
    parent: str = ROOT
    failed: str = ""  # why
    is_request: bool = False  # to another server
    attributes: Attributes = field(default_factory=dict)
    events: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def trace_id(self) -> int:
        return self.generation_id.int

    @property
    def id(self) -> int:
        return span_id(self.generation_id, self.key)

    @property
    def parent_id(self) -> int | None:
        """None of the root."""
        return None if self.key == ROOT else span_id(self.generation_id, self.parent)


def is_on() -> bool:
    return bool(settings.OTEL_EXPORTER_OTLP_ENDPOINT)


def report(*spans: Span) -> None:
    """Give them to the thread that sends them. Does nothing if it is off."""
    if is_on():
        for span in spans:
            exporter().export(span)


@cache
def exporter() -> Exporter:
    """Of this process."""
    from .otlp import Exporter  # costs 10 MB of memory, so only where it is switched on

    return Exporter(settings.OTEL_EXPORTER_OTLP_ENDPOINT, settings.OTEL_SERVICE_NAME, settings.PROCESS_NAME)


def span_id(generation_id: UUID, key: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{generation_id}/{key}".encode()).digest()[:8]) or 1


def headers(request_id: str) -> dict[str, str]:
    """For a model server that makes spans of its own: W3C's traceparent. Empty if it is off.

    ``request_id`` begins with the generation's, and is the key of the request's span.
    """
    if not is_on():
        return {}
    generation_id = UUID(request_id[:UUID_LENGTH])
    return {"traceparent": f"00-{generation_id.hex}-{span_id(generation_id, request_id):016x}-01"}


# What there is to tell


def report_command(generation: Generation, command: str, received: datetime, stored: datetime) -> None:
    """A click was carried out just now. A repeated one has told it already."""
    if not (is_on() and generation.is_new):
        return
    pk = generation.pk
    report(
        Span(pk, "accept", "accept", received, stored, parent="command"),
        Span(pk, "command", "command", received, site_time.now(), attributes={"throughline.command": command}),
    )


def report_claim(generation: Generation, begun: datetime) -> None:
    """An attempt has got it just now; the first one ends its time in the queue."""
    attempt = {"throughline.attempt": generation.attempt}
    if generation.attempt == 1:
        report(Span(generation.pk, "queue", "queue", generation.accepted_at, begun))
    key = f"claim-{generation.attempt}"
    report(Span(generation.pk, "claim", key, begun, site_time.now(), attributes=attempt))


def report_end(generation: Generation, status: Status, error_code: str, begun: datetime) -> None:
    """It has ended just now; ``begun`` is when there was nothing left to write."""
    now = site_time.now()
    attributes: Attributes = {
        "throughline.status": str(status),
        "throughline.attempts": generation.attempt,
        "gen_ai.usage.input_tokens": generation.prompt_tokens or 0,
        "gen_ai.usage.output_tokens": generation.completion_tokens or 0,
    }
    pk, failed = generation.pk, error_code if status is Status.FAILED else ""
    report(
        Span(pk, "finish", "finish", begun, now),
        Span(pk, ROOT, ROOT, generation.accepted_at, now, failed=failed, attributes=attributes),
    )
