"""What is said about a question."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from conversations.models.pipeline import Level


class Domain(StrEnum):
    CODE = "code"
    MATHEMATICS = "mathematics"
    WRITING = "writing"
    DATA = "data"
    SMALL_TALK = "small_talk"
    OTHER = "other"


@dataclass(frozen=True)
class QuestionScores:
    """Scores lie between 0 and 1. Reasons are short sentences for users, the weightiest first, never none."""

    complexity: float
    urgency: float
    reasoning: float
    domain: Domain
    level: Level
    reasons: tuple[str, ...]
