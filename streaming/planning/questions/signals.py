"""The signs found in a question, and the sums of their weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .features import Features
from .weights import BASE_COMPLEXITY, COMPLEX_FROM, FURTHER_TASKS, HARD_ENOUGH, WEIGHTS, Weight

SHORT_WORDS = 3
MATERIAL_WORDS = 10  # words beyond the request that make a text to work on
OPEN_WORDS = 8
NARROW = {"lookup", "transform", "greeting", "formulas"}  # signs of questions answered in one step
LONG_WORDS = 13
OF_SHORT_ONES = {"lookup", "greeting"}
WORTH_SAYING = 0.04
ALWAYS_SAID = {"code", "table", "log"}
JUST_MEDIUM = COMPLEX_FROM - 0.01


@dataclass(frozen=True)
class Sign:
    name: str
    count: int

    @property
    def weight(self) -> Weight:
        return WEIGHTS[self.name]

    @property
    def strength(self) -> float:
        return min(1.0, self.count / self.weight.full_at)

    @property
    def matters(self) -> float:
        """How much it contributes to the scores, for ordering reasons."""
        weight = self.weight
        return self.strength * max(abs(weight.complexity), weight.reasoning / 2, weight.urgency / 2)

    @property
    def says(self) -> str:
        return self.weight.says.format(n=self.count)


def signs_in(features: Features) -> list[Sign]:
    counts = dict(features.manner) | looks_of(features)
    found = [Sign(name, count) for name, count in counts.items() if count]
    # "Thanks! Now please …" is no greeting, and "Which methods did …" asks for more than a fact.
    if features.words >= LONG_WORDS:
        found = [sign for sign in found if sign.name not in OF_SHORT_ONES]
    is_open = features.words >= OPEN_WORDS and not any(sign.weight.is_task or sign.name in NARROW for sign in found)
    return [*found, Sign("open", 1)] if is_open else found


def looks_of(features: Features) -> dict[str, int]:
    lines = features.lines
    has_material = lines.code + lines.table > 1 or features.words > features.request_words + MATERIAL_WORDS
    return {
        "short": int(features.words <= SHORT_WORDS),
        "words": features.request_words,
        "parts": features.parts if features.parts > 1 else 0,
        "questions": features.questions if features.questions > 1 else 0,
        "scale": features.numbers_of_scale,
        "formulas": features.formulas,
        "code": lines.code,
        "table": lines.table,
        "log": lines.log,
        "material": int(has_material),
        "loud": features.loud,
        "word_problem": features.numbers if features.is_word_problem else 0,
    }


def complexity(signs: Sequence[Sign]) -> float:
    """Further tasks add little: explaining and comparing is hardly more than explaining."""
    tasks = sorted((sign.weight.complexity for sign in signs if sign.weight.is_task), reverse=True)
    hard = sum(sign.weight.complexity * sign.strength for sign in signs if sign.weight.is_hard)
    others = sum(sign.weight.complexity * sign.strength for sign in signs if not sign.weight.is_task)
    score = held(BASE_COMPLEXITY + others + sum(tasks[:1]) + FURTHER_TASKS * sum(tasks[1:]))
    return score if hard >= HARD_ENOUGH else min(score, JUST_MEDIUM)


def reasoning(signs: Sequence[Sign]) -> float:
    return held(sum(sign.weight.reasoning * sign.strength for sign in signs))


def urgency(signs: Sequence[Sign]) -> float:
    return held(sum(sign.weight.urgency * sign.strength for sign in signs))


def held(score: float) -> float:
    """Clamps to 0…1."""
    return round(min(1.0, max(0.0, score)), 3)


def weightiest(signs: Sequence[Sign]) -> list[Sign]:
    worth_saying = [sign for sign in signs if sign.matters >= WORTH_SAYING or sign.name in ALWAYS_SAID]
    return sorted(worth_saying, key=lambda sign: -sign.matters)
