"""Scores a question: the signs found in it, times their weights in weights.py."""

from __future__ import annotations

from collections.abc import Sequence

from conversations.models.catalog.pipeline import Domain, Level

from .domains import domain_of
from .features import Features, features_of
from .scores import QuestionScores
from .signals import Sign, complexity, reasoning, signs_in, urgency, weightiest
from .weights import COMPLEX_FROM, MEDIUM_FROM

EARLIER_MESSAGES = 4  # that count
EARLIER_CHARACTERS = 1000  # of each
FOLLOW_UP_WORDS = 12  # longer questions are rated without earlier messages
REASONS = 4  # besides the domain's


class QueryClassifier:
    """Has no state: the same question always has the same scores."""

    def classify(self, question: str, earlier: Sequence[str] = ()) -> QuestionScores:
        """``earlier``: the conversation's earlier messages, oldest first, questions and answers alternating."""
        features, signs = features_and_signs(question)
        before = list(earlier[-EARLIER_MESSAGES:]) if features.words <= FOLLOW_UP_WORDS else []
        complexity = complexity_of(features, signs, before)
        domain, why = domain_of(features, [features_of(text[:EARLIER_CHARACTERS]) for text in before])
        said = reasons_of(features, signs)
        return QuestionScores(
            complexity=complexity,
            urgency=urgency(signs),
            reasoning=reasoning(signs),
            domain=domain,
            level=level_of(complexity),
            reasons=tuple(said) if said and domain is Domain.OTHER else (*said, why),
        )


def features_and_signs(question: str) -> tuple[Features, list[Sign]]:
    features = features_of(question)
    return features, signs_in(features)


def complexity_of(features: Features, signs: list[Sign], before: list[str]) -> float:
    """A follow-up such as "And for Peru?" is as hard as the question that it repeats, but medium at most."""
    own = complexity(signs)
    if not features.repeats or len(before) < 2:
        return own
    _, repeated = features_and_signs(before[-2][:EARLIER_CHARACTERS])
    return max(own, min(complexity(repeated), (MEDIUM_FROM + COMPLEX_FROM) / 2))


def level_of(complexity: float) -> Level:
    if complexity >= COMPLEX_FROM:
        return Level.COMPLEX
    return Level.MEDIUM if complexity >= MEDIUM_FROM else Level.SIMPLE


def reasons_of(features: Features, signs: list[Sign]) -> list[str]:
    if not features.words + features.lines.code + features.lines.table + features.lines.log:
        return ["contains no words"]
    said = [sign.says for sign in weightiest(signs)[:REASONS]]
    return [*said, "continues the conversation"] if features.repeats else said
