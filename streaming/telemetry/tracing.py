"""Traces of generations, exported to an OpenTelemetry collector if OTEL_EXPORTER_OTLP_ENDPOINT is set.

A trace is a generation. The trace id is the generation's id, and each span id is derived from the span's key, so web
and worker processes contribute to one trace without exchanging ids. Spans are exported when they have ended, never
between two tokens. When tracing is off, nothing is imported for it.
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
    """``key`` is unique within the generation; ``parent`` is another span's key, or ROOT. Contains no user text."""

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
        """None for the root."""
        return None if self.key == ROOT else span_id(self.generation_id, self.parent)


def is_on() -> bool:
    return bool(settings.OTEL_EXPORTER_OTLP_ENDPOINT)


def report(*spans: Span) -> None:
    """Passes spans to the sending thread. Does nothing if tracing is off."""
    if is_on():
        for span in spans:
            exporter().export(span)


@cache
def exporter() -> Exporter:
    # Costs 10 MB of memory, so only where tracing is on.
    from .otlp import Exporter

    return Exporter(settings.OTEL_EXPORTER_OTLP_ENDPOINT, settings.OTEL_SERVICE_NAME, settings.PROCESS_NAME)


def span_id(generation_id: UUID, key: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{generation_id}/{key}".encode()).digest()[:8]) or 1


def headers(request_id: str) -> dict[str, str]:
    """W3C's traceparent, for model servers that export spans themselves. Empty if tracing is off.

    ``request_id`` begins with the generation's id, and is the key of the request's span.
    """
    if not is_on():
        return {}
    generation_id = UUID(request_id[:UUID_LENGTH])
    return {"traceparent": f"00-{generation_id.hex}-{span_id(generation_id, request_id):016x}-01"}


# What is reported


def report_command(generation: Generation, command: str, received: datetime, stored: datetime) -> None:
    """Called right after a click was carried out. A repeated click reports nothing: the first one did."""
    if not (is_on() and generation.is_new):
        return
    pk = generation.pk
    report(
        Span(pk, "accept", "accept", received, stored, parent="command"),
        Span(pk, "command", "command", received, site_time.now(), attributes={"throughline.command": command}),
    )


def report_claim(generation: Generation, begun: datetime) -> None:
    """Called right after an attempt claimed the generation. The first claim also ends the time in the queue."""
    attempt = {"throughline.attempt": generation.attempt}
    if generation.attempt == 1:
        report(Span(generation.pk, "queue", "queue", generation.accepted_at, begun))
    key = f"claim-{generation.attempt}"
    report(Span(generation.pk, "claim", key, begun, site_time.now(), attributes=attempt))


def report_end(generation: Generation, status: Status, error_code: str, begun: datetime) -> None:
    """Called right after the generation ended. ``begun``: when there was nothing left to write."""
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
