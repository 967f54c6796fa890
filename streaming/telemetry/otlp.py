"""Sends spans to a collector with OpenTelemetry's packages. Import this only if tracing is on."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

if TYPE_CHECKING:
    from .tracing import Span

TIMEOUT_S = 3  # for a collector that does not answer; also when the process ends


class KnownIds(IdGenerator, threading.local):
    """Returns the ids set for the next span of this thread."""

    trace_id = span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class Exporter:
    """``export`` takes microseconds: a separate thread sends, a few seconds later and when the process ends."""

    def __init__(self, endpoint: str, service: str, process: str):
        self._ids = KnownIds()
        resource = Resource.create({"service.name": service, "throughline.process": process})
        self.provider = TracerProvider(ALWAYS_ON, resource, id_generator=self._ids)
        sender = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=TIMEOUT_S)
        self.provider.add_span_processor(BatchSpanProcessor(sender))
        self._tracer = self.provider.get_tracer("throughline")

    def export(self, span: Span) -> None:
        self._ids.trace_id, self._ids.span_id = span.trace_id, span.id
        begun = self._tracer.start_span(
            span.name,
            context_of(span),
            SpanKind.CLIENT if span.is_request else SpanKind.INTERNAL,
            attributes={"throughline.generation": str(span.generation_id), **span.attributes},
            start_time=nanoseconds(span.begun),
        )
        for name, moment in span.events.items():
            begun.add_event(name, timestamp=nanoseconds(moment))
        if span.failed:
            begun.set_status(Status(StatusCode.ERROR, span.failed))
        begun.end(nanoseconds(span.ended))


def context_of(span: Span) -> Context:
    if span.parent_id is None:
        return Context()
    parent = SpanContext(span.trace_id, span.parent_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(parent), Context())


def nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
