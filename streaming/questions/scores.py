"""What is said about a question."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Domain(StrEnum):
    CODE = "code"
    MATHEMATICS = "mathematics"
    WRITING = "writing"
    DATA = "data"
    SMALL_TALK = "small_talk"
    OTHER = "other"


class Level(StrEnum):
    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"


@dataclass(frozen=True)
class QuestionScores:
    """Scores lie between 0 and 1. Reasons are short sentences for users, the weightiest first, never none."""

    complexity: float
    urgency: float
    reasoning: float
    domain: Domain
    level: Level
    reasons: tuple[str, ...]
