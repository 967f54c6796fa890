"""One request to a model server as spans of the answer's trace: the request, and in it the writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone

from streaming import tracing
from streaming.tracing import Attributes, Span
from streaming.vllm.errors import ModelServerError

if TYPE_CHECKING:
    from .engine import Figures


@contextmanager
def request_span(generation_id: UUID, request_id: str, stage: str, figures: Figures) -> Iterator[None]:
    """Of what is done within; the figures are complete at its end."""
    begun, failed = timezone.now(), ""
    try:
        yield
    except ModelServerError as error:
        failed = error.in_short
        raise
    finally:
        if tracing.is_on():
            tracing.tell(*spans_of(generation_id, request_id, stage, figures, begun, failed))


def spans_of(
    generation_id: UUID, request_id: str, stage: str, figures: Figures, begun: datetime, failed: str
) -> Iterator[Span]:
    first, last = figures.request_token_at, figures.last_token_at
    if first and last:
        yield Span(generation_id, "writing", f"{request_id}-writing", first, last, parent=request_id)
    attributes: Attributes = {
        "throughline.stage": stage,
        "throughline.tier": figures.tier,
        "throughline.cached": figures.cached,
        "throughline.request": request_id,
        "gen_ai.request.model": figures.model,
        "server.address": figures.server,
        "gen_ai.usage.input_tokens": figures.prompt_tokens or 0,
        "gen_ai.usage.output_tokens": figures.completion_tokens or 0,
    }
    yield Span(
        generation_id,
        "request",
        request_id,
        begun,
        timezone.now(),
        failed=failed,
        is_request=True,
        attributes=attributes,
        events={"first token": first} if first else {},
    )
