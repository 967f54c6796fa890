"""The scores of a question."""

from __future__ import annotations

from dataclasses import dataclass

from conversations.models.catalog.pipeline import Domain, Level

URGENT_FROM = 0.7  # the weight of a single unmistakable word


@dataclass(frozen=True)
class QuestionScores:
    """Scores are between 0 and 1. Reasons are short sentences for users, the weightiest first; at least one."""

    complexity: float
    urgency: float
    reasoning: float
    domain: Domain
    level: Level
    reasons: tuple[str, ...]

    @property
    def is_urgent(self) -> bool:
        return self.urgency >= URGENT_FROM
