"""How sure a model was of what it wrote, measured from the log-probabilities of its tokens.

A token's probability says how strongly the model preferred it to other tokens, not whether it is right.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models

LOW_CONFIDENCE_BELOW = 0.5  # probability of a token: below it, the others together were more likely
# Conventions; see docs/answers.md.
HIGH_FROM = 0.85  # mean probability
LOW_BELOW = 0.65
SEVERAL_LOW_SHARE = 0.15  # share of tokens below LOW_CONFIDENCE_BELOW
MANY_LOW_SHARE = 0.35


class ConfidenceLevel(models.TextChoices):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True)
class Confidence:
    probability: float  # mean of the tokens' probabilities, from 0 to 1
    low_confidence_share: float = 0.0

    @property
    def level(self) -> ConfidenceLevel:
        if self.probability < LOW_BELOW or self.low_confidence_share > MANY_LOW_SHARE:
            return ConfidenceLevel.LOW
        if self.probability < HIGH_FROM or self.low_confidence_share > SEVERAL_LOW_SHARE:
            return ConfidenceLevel.MEDIUM
        return ConfidenceLevel.HIGH

    @property
    def explanation(self) -> str:
        return (
            f"Mean probability of the tokens {self.probability:.0%}; {self.low_confidence_share:.0%} of them were less "
            "likely than all others together. It tells how sure the model was, not whether it is right."
        )
