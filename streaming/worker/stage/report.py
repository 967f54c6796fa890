"""What is told of one request to a model server when it has ended: the gaps between tokens, and spans of the trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID

from conversations import site_time
from streaming.model_servers.vllm.errors import ModelServerError
from streaming.telemetry import counters, tracing
from streaming.telemetry.histograms import INTER_TOKEN
from streaming.telemetry.tracing import Attributes, Span

if TYPE_CHECKING:
    from .engine import Engine


@contextmanager
def request_spans(generation_id: UUID, request_id: str, engine: Engine) -> Iterator[None]:
    """Of what is done within; the engine's figures are complete at its end."""
    begun, failed = site_time.now(), ""
    try:
        yield
    except ModelServerError as error:
        failed = error.in_short
        raise
    finally:
        arrivals = [arrival for arrival in engine.arrivals if arrival >= begun]
        if not (engine.figures.cached or engine.figures.coalesced):
            counters.observe(INTER_TOKEN, gaps(arrivals))
        if tracing.is_on():
            tracing.report(*spans_of(generation_id, request_id, engine, begun, arrivals, failed))


def gaps(arrivals: Sequence[datetime]) -> list[float]:
    """In seconds, between one token and the next."""
    return [(later - earlier).total_seconds() for earlier, later in pairwise(arrivals)]


def spans_of(
    generation_id: UUID, request_id: str, engine: Engine, begun: datetime, arrivals: Sequence[datetime], failed: str
) -> Iterator[Span]:
    figures, events = engine.figures, {}
    if arrivals:  # only the latest ones are kept
        known = figures.first_token_at
        first = events["first token"] = known if known and known >= begun else arrivals[0]
        yield Span(generation_id, "writing", f"{request_id}-writing", first, arrivals[-1], parent=request_id)
    attributes: Attributes = {
        "throughline.stage": engine.stage.name,
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
        site_time.now(),
        failed=failed,
        is_request=True,
        attributes=attributes,
        events=events,
    )
