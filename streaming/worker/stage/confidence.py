"""Adds up how likely the tokens of a stage's text were, and where it was unsure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from conversations.models.generation.confidence import UNSURE_BELOW
from conversations.models.generation.plan import Outcome
from streaming.model_servers.vllm.wire import LikelyToken
from streaming.protocol import code_units

SPANS_KEPT = 400  # passages; a model that is unsure more often is unsure of everything


@dataclass
class ConfidenceTracker:
    """Of the tokens whose probability the server told. ``unsure`` are [from, to] in code units of the text."""

    tokens: int = 0
    sum: float = 0.0  # of probabilities
    unsure_tokens: float = 0.0
    unsure: list[list[int]] = field(default_factory=list)

    @classmethod
    def of(cls, earlier: Outcome) -> ConfidenceTracker:
        """What an earlier attempt measured, without the tokens between its last save and its end."""
        tokens, unsure = earlier.measured_tokens, [list(passage) for passage in earlier.unsure]
        return cls(tokens, tokens * (earlier.probability or 0.0), tokens * (earlier.unsure_share or 0.0), unsure)

    def figures(self) -> dict[str, Any]:
        """Under the names of Outcome's fields; empty if nothing was measured."""
        if not self.tokens:
            return {}
        return {
            "measured_tokens": self.tokens,
            "probability": round(self.sum / self.tokens, 4),
            "unsure_share": round(self.unsure_tokens / self.tokens, 4),
            "unsure": [*self.unsure],
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
            if probability < UNSURE_BELOW:
                self.unsure_tokens += 1
                self._mark(at, at + length)
            at += length if fits else 0

    def _mark(self, start: int, end: int) -> None:
        if self.unsure and start <= self.unsure[-1][1]:
            self.unsure[-1][1] = max(end, self.unsure[-1][1])
        elif len(self.unsure) < SPANS_KEPT:
            self.unsure.append([start, end])
