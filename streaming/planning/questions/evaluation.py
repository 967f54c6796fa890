"""Measures how many labelled questions the classifier gets right."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import quantiles

from conversations.models.catalog.pipeline import Domain, Level

from .classifier import QueryClassifier
from .scores import QuestionScores

FIELDS = {"text", "earlier", "domain", "level", "language", "part"}
PARTS = ("tuning", "held_out")


class MalformedLine(ValueError):
    """Its message says what is wrong with the line, for its author."""


@dataclass(frozen=True)
class LabelledQuestion:
    text: str
    domain: Domain
    level: Level
    language: str
    part: str
    earlier: tuple[str, ...] = ()


@dataclass
class Evaluation:
    levels: Counter[tuple[Level, Level]] = field(default_factory=Counter)  # (labelled, scored)
    levels_right: Counter[str] = field(default_factory=Counter)  # by language
    domains_right: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    errors: list[tuple[LabelledQuestion, QuestionScores]] = field(default_factory=list)

    @property
    def level_accuracy(self) -> float:
        return self.levels_right.total() / self.asked.total()

    @property
    def domain_accuracy(self) -> float:
        return self.domains_right.total() / self.asked.total()

    def microseconds(self, percentile: int) -> float:
        return quantiles(self.seconds * 2, n=100, method="inclusive")[percentile - 1] * 1e6

    def add(self, question: LabelledQuestion, scores: QuestionScores, seconds: float) -> None:
        self.seconds.append(seconds)
        self.asked[question.language] += 1
        self.levels[question.level, scores.level] += 1
        self.levels_right[question.language] += scores.level == question.level
        self.domains_right[question.language] += scores.domain == question.domain
        if (scores.level, scores.domain) != (question.level, question.domain):
            self.errors.append((question, scores))


def evaluate(questions: Iterable[LabelledQuestion]) -> Evaluation:
    evaluation, classifier = Evaluation(), QueryClassifier()
    for question in questions:
        started = time.perf_counter()
        scores = classifier.classify(question.text, question.earlier)
        evaluation.add(question, scores, time.perf_counter() - started)
    return evaluation


def labelled_questions(lines: Iterable[str]) -> Iterator[LabelledQuestion]:
    """One JSON object per line; skips empty lines. Raises MalformedLine."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield labelled_question(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise MalformedLine(f"Line {number}: {what_is_wrong(error)}.") from error


def labelled_question(row: object) -> LabelledQuestion:
    if not isinstance(row, dict):
        raise TypeError("no JSON object")
    if unknown := row.keys() - FIELDS:
        raise ValueError(f"unknown field {sorted(unknown)[0]}")
    earlier = row.get("earlier", [])
    texts = [row["text"], row["language"], *earlier]
    if not isinstance(earlier, list) or not all(isinstance(text, str) for text in texts):
        raise TypeError("text and language are strings, earlier is a list of strings")
    if row["part"] not in PARTS:
        raise ValueError(f"part is one of {', '.join(PARTS)}, not {row['part']!r}")
    domain, level = Domain(row["domain"]), Level(row["level"])
    return LabelledQuestion(row["text"], domain, level, row["language"], row["part"], tuple(earlier))


def what_is_wrong(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"no JSON: {error.msg}"
        case KeyError():
            return f"the field {error.args[0]} is missing"
    return str(error)
