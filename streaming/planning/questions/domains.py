"""Finds a question's domain: the one that most of its words indicate."""

from __future__ import annotations

from collections.abc import Sequence

from conversations.models.catalog.pipeline import Domain

from .features import Features
from .weights import (
    ANOTHER_SUBJECT,
    CLEAR_WORD,
    CODE_LINES,
    EARLIER,
    ENOUGH,
    ENOUGH_OF_SHORT,
    FORMULA,
    HINT,
    SHORT,
    SNIPPET,
    TABLE,
)

WORDS_SHOWN = 3
ABOUT = {
    Domain.CODE: "is about code",
    Domain.MATHEMATICS: "is about mathematics",
    Domain.WRITING: "is about a text",
    Domain.DATA: "is about data",
    Domain.SMALL_TALK: "is small talk",
    Domain.OTHER: "is about no special subject",
}


def domain_of(features: Features, before: Sequence[Features]) -> tuple[Domain, str]:
    """Returns the domain and the reason for it. ``before``, the earlier messages, count if the question alone is
    unclear."""
    own = strengths(features)
    enough = ENOUGH_OF_SHORT if features.words <= SHORT or own[Domain.WRITING] else ENOUGH
    if not before or max(own.values()) >= CLEAR_WORD:
        domain = strongest(own, enough)
        return domain, because(domain, features)
    for message in before:
        own = {domain: own[domain] + EARLIER * more for domain, more in strengths(message).items()}
    own[Domain.SMALL_TALK] = 0.0
    domain = strongest(own, enough)
    return domain, f"{ABOUT[domain]}, like the messages before"


def strengths(features: Features) -> dict[Domain, float]:
    spoken = {domain: spoken_for(domain, features) for domain in Domain}
    spoken[Domain.OTHER] = min(ANOTHER_SUBJECT, spoken[Domain.OTHER])  # the default anyway
    lines = features.lines
    spoken[Domain.CODE] += CODE_LINES * min(1, lines.code + lines.log) + SNIPPET * min(1, lines.snippets)
    spoken[Domain.DATA] += TABLE * min(1, lines.table)
    spoken[Domain.MATHEMATICS] += FORMULA * min(1, features.formulas + features.is_word_problem)
    return spoken


def spoken_for(domain: Domain, features: Features) -> float:
    return CLEAR_WORD * len(features.clear.get(domain, ())) + HINT * len(features.hints.get(domain, ()))


def strongest(strengths: dict[Domain, float], enough: float) -> Domain:
    """Of equally strong domains, the first in Domain's order: a greeting does not make a request small talk."""
    domain = max(strengths, key=lambda domain: strengths[domain])
    return domain if strengths[domain] >= enough else Domain.OTHER


def because(domain: Domain, features: Features) -> str:
    words = dict.fromkeys([*features.clear.get(domain, ()), *features.hints.get(domain, ())])
    return f"{ABOUT[domain]} ({', '.join(list(words)[:WORDS_SHOWN])})" if words else ABOUT[domain]
