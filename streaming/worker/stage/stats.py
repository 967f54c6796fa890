"""Measurements of a stage while it is written: gaps between tokens, confidence, trace spans."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

from conversations import site_time
from conversations.models.generation.confidence import LOW_CONFIDENCE_BELOW
from conversations.models.generation.plan import PlannedStage, StageResult
from conversations.models.operations.histogram import Histogram, bucket_of, upper_bound
from streaming.model_servers.vllm.errors import ModelServerError
from streaming.model_servers.vllm.wire import LikelyToken
from streaming.protocol import code_units
from streaming.telemetry import counters, tracing
from streaming.telemetry.counters import INTER_TOKEN
from streaming.telemetry.tracing import Attributes, Span

if TYPE_CHECKING:
    from .intake import Intake

SPANS_KEPT = 400  # with more, a model is unsure of everything

# Gaps are counted in a Histogram's buckets, up to a minute; longer ones in the last.
SHORTEST, LONGEST = bucket_of(0.0001), bucket_of(60.0)
BOUNDS_S = tuple(upper_bound(bucket) for bucket in range(SHORTEST, LONGEST))


@dataclass
class ConfidenceTracker:
    """Confidence of the tokens whose probability the server reported. Spans are [from, to] in UTF-16 code units."""

    tokens: int = 0
    sum: float = 0.0  # of probabilities
    low_confidence_tokens: float = 0.0
    low_confidence_spans: list[list[int]] = field(default_factory=list)

    @classmethod
    def of(cls, earlier: StageResult) -> ConfidenceTracker:
        """Continues an earlier attempt's measurement, which lacks the tokens between its last save and its end."""
        tokens, spans = earlier.measured_tokens, [list(passage) for passage in earlier.low_confidence_spans]
        return cls(tokens, tokens * (earlier.probability or 0.0), tokens * (earlier.low_confidence_share or 0.0), spans)

    def fields(self) -> dict[str, Any]:
        """Returns values for StageResult's fields; empty if nothing was measured."""
        if not self.tokens:
            return {}
        return {
            "measured_tokens": self.tokens,
            "probability": round(self.sum / self.tokens, 4),
            "low_confidence_share": round(self.low_confidence_tokens / self.tokens, 4),
            "low_confidence_spans": [list(span) for span in self.low_confidence_spans],
        }

    def take(self, at: int, text: str, tokens: tuple[LikelyToken, ...]) -> None:
        """Takes ``tokens``, written as ``text`` at offset ``at`` of the part."""
        fits = "".join(token.token for token in tokens) == text
        for token in tokens:
            length = code_units(token.token if fits else text)
            if token.logprob is None:
                at += length if fits else 0
                continue
            probability = math.exp(min(token.logprob, 0.0))
            self.tokens += 1
            self.sum += probability
            if probability < LOW_CONFIDENCE_BELOW:
                self.low_confidence_tokens += 1
                self._mark(at, at + length)
            at += length if fits else 0

    def _mark(self, start: int, end: int) -> None:
        if self.low_confidence_spans and start <= self.low_confidence_spans[-1][1]:
            self.low_confidence_spans[-1][1] = max(end, self.low_confidence_spans[-1][1])
        elif len(self.low_confidence_spans) < SPANS_KEPT:
            self.low_confidence_spans.append([start, end])


class Gaps:
    __slots__ = ("counts", "last_at", "longest_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.longest_s = 0.0
        self.last_at = 0.0  # monotonic; 0: nothing arrived yet from this request

    def begin(self) -> None:
        """A new request: its wait for the first piece is no gap."""
        self.last_at = 0.0

    def record(self, at: float) -> None:
        """Records the arrival of a piece of text. A hot path: it keeps no new objects."""
        if self.last_at:
            gap = at - self.last_at
            self.counts[bisect_left(BOUNDS_S, gap)] += 1
            if gap > self.longest_s:
                self.longest_s = gap
        self.last_at = at


def gap_stats(several: Iterable[Gaps]) -> dict[str, float]:
    """Returns the combined gaps by GenerationTiming's fields; empty without a gap."""
    found, longest = Histogram(), 0.0
    for gaps in several:
        found.buckets.update({SHORTEST + index: count for index, count in enumerate(gaps.counts) if count})
        longest = max(longest, gaps.longest_s)
    p50, p95 = found.p50, found.p95
    if p50 is None or p95 is None:
        return {}
    seconds = {"gap_p50_ms": min(p50, longest), "gap_p95_ms": min(p95, longest), "gap_longest_ms": longest}
    return {name: round(1000 * value, 3) for name, value in seconds.items()}


@contextmanager
def request_spans(generation_id: UUID, request_id: str, stage: PlannedStage, intake: Intake) -> Iterator[None]:
    """Traces the request made in the ``with`` block; reads its values from the stage's result at the end."""
    begun, failed = site_time.now(), ""
    try:
        yield
    except ModelServerError as error:
        failed = error.in_short
        raise
    finally:
        arrivals = [arrival for arrival in intake.arrivals if arrival >= begun]
        if not intake.result.is_reused:
            counters.observe(INTER_TOKEN, gaps(arrivals))
        if tracing.is_on():
            tracing.report(*spans_of(generation_id, request_id, stage, intake, begun, arrivals, failed))


def gaps(arrivals: Sequence[datetime]) -> list[float]:
    """Seconds between one token and the next."""
    return [(later - earlier).total_seconds() for earlier, later in pairwise(arrivals)]


def spans_of(
    generation_id: UUID,
    request_id: str,
    stage: PlannedStage,
    intake: Intake,
    begun: datetime,
    arrivals: Sequence[datetime],
    failed: str,
) -> Iterator[Span]:
    result, events = intake.result, {}
    if arrivals:
        # Only the latest arrivals are kept.
        first = events["first token"] = intake.first_arrival or arrivals[0]
        yield Span(generation_id, "writing", f"{request_id}-writing", first, arrivals[-1], parent=request_id)
    attributes: Attributes = {
        "throughline.stage": stage.name,
        "throughline.tier": result.tier,
        "throughline.cached": result.cached,
        "throughline.request": request_id,
        "gen_ai.request.model": result.model,
        "server.address": result.server,
        "gen_ai.usage.input_tokens": result.prompt_tokens or 0,
        "gen_ai.usage.output_tokens": result.completion_tokens or 0,
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
