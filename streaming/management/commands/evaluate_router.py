"""`manage.py evaluate_router`: how often the question classifier is right on labelled questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from conversations.models.catalog.pipeline import Level
from streaming.planning.questions.evaluation import (
    PARTS,
    Evaluation,
    LabelledQuestion,
    MalformedLine,
    evaluate,
    labelled_questions,
)

LABELLED = Path(settings.BASE_DIR) / "tests/streaming/planning/questions/questions.jsonl"
SHOWN = 70  # characters of a question


class Command(BaseCommand):
    help = "Compares the question classifier's levels and domains with those of labelled questions."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--part", choices=[*PARTS, "all"], default="held_out")
        parser.add_argument("--file", type=Path, default=LABELLED, help="labelled questions, one JSON object a line")
        parser.add_argument("--errors", action="store_true", help="list the questions that are scored wrongly")

    def handle(self, *args: Any, **options: Any) -> None:
        questions = [q for q in read(options["file"]) if options["part"] in (q.part, "all")]
        if not questions:
            raise CommandError(f"{options['file']} has no questions of the part {options['part']}.")
        evaluation = evaluate(questions)
        for line in [*report(evaluation, options["part"]), *(errors(evaluation) if options["errors"] else [])]:
            self.stdout.write(line)


def read(path: Path) -> list[LabelledQuestion]:
    try:
        return list(labelled_questions(path.read_text("utf-8").split("\n")))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}. Name another --file.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not in UTF-8.") from error
    except MalformedLine as error:
        raise CommandError(f"{path}: {error}") from error


def report(evaluation: Evaluation, part: str) -> Iterator[str]:
    asked = evaluation.asked.total()
    yield f"{asked} questions ({part})"
    yield f"levels right:  {evaluation.level_accuracy:.1%}"
    yield f"domains right: {evaluation.domain_accuracy:.1%}"
    yield from ["", *confusions(evaluation), "", *languages(evaluation), ""]
    p50, p95 = evaluation.microseconds(50), evaluation.microseconds(95)
    yield f"time per question: p50 {p50:.0f} µs, p95 {p95:.0f} µs"


def confusions(evaluation: Evaluation) -> Iterator[str]:
    yield f"{'labelled, scored as':20}" + "".join(f"{level:>9}" for level in Level)
    for labelled in Level:
        yield f"{labelled:20}" + "".join(f"{evaluation.levels[labelled, scored]:9}" for scored in Level)


def languages(evaluation: Evaluation) -> Iterator[str]:
    yield f"{'language':20}{'asked':>9}{'levels':>9}{'domains':>9}"
    for language, asked in evaluation.asked.most_common():
        levels, domains = (right[language] / asked for right in (evaluation.levels_right, evaluation.domains_right))
        yield f"{language:20}{asked:9}{levels:9.1%}{domains:9.1%}"


def errors(evaluation: Evaluation) -> Iterator[str]:
    for question, scores in evaluation.errors:
        yield from ["", beginning(question.text)]
        yield f"  labelled {question.level}, {question.domain}"
        yield f"  scored   {scores.level} ({scores.complexity}), {scores.domain}: {'; '.join(scores.reasons)}"


def beginning(text: str) -> str:
    """Up to SHOWN characters in one line, without lone surrogates, which no terminal accepts."""
    return " ".join(text.split())[:SHOWN].encode("utf-8", "replace").decode()
