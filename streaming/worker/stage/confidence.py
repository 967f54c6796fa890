"""Adds up how likely the tokens of a stage's text were, and where that was low."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from conversations.models.generation.confidence import LOW_CONFIDENCE_BELOW
from conversations.models.generation.plan import Outcome
from streaming.model_servers.vllm.wire import LikelyToken
from streaming.protocol import code_units

SPANS_KEPT = 400  # passages; with more of them, nearly the whole text is one


@dataclass
class ConfidenceTracker:
    """Of the tokens whose probability the server reported. Spans are [from, to] in code units of the text."""

    tokens: int = 0
    sum: float = 0.0  # of probabilities
    low_confidence_tokens: float = 0.0
    low_confidence_spans: list[list[int]] = field(default_factory=list)

    @classmethod
    def of(cls, earlier: Outcome) -> ConfidenceTracker:
        """What an earlier attempt measured, without the tokens between its last save and its end."""
        tokens, spans = earlier.measured_tokens, [list(span) for span in earlier.low_confidence_spans]
        return cls(tokens, tokens * (earlier.probability or 0.0), tokens * (earlier.low_confidence_share or 0.0), spans)

    def figures(self) -> dict[str, Any]:
        """Under the names of Outcome's fields; empty if nothing was measured."""
        if not self.tokens:
            return {}
        return {
            "measured_tokens": self.tokens,
            "probability": round(self.sum / self.tokens, 4),
            "low_confidence_share": round(self.low_confidence_tokens / self.tokens, 4),
            "low_confidence_spans": [*self.low_confidence_spans],
        }

    def take(self, at: int, text: str, tokens: tuple[LikelyToken, ...]) -> None:
        """``text`` of these tokens was written at this length of the part."""
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
