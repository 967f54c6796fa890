"""How sure a model was of what it wrote: measured from the log-probabilities of its tokens.

A token's probability tells how much the model would rather have said something else, not whether it is right.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models

LOW_CONFIDENCE_BELOW = 0.5  # probability of a token: from here on another one was about as likely
HIGH_FROM = 0.85  # mean probability; conventions, to be read beside docs/answers.md
LOW_BELOW = 0.65
SEVERAL_LOW_SHARE = 0.15  # share of tokens below it
MANY_LOW_SHARE = 0.35


class ConfidenceLevel(models.TextChoices):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True)
class Confidence:
    probability: float  # mean of the tokens', from 0 to 1
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
