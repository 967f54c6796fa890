"""The labelled questions, how often the classifier is right on them, and the command that tells."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from streaming.planning.questions.evaluation import LabelledQuestion, evaluate, labelled_questions

FILE = Path(__file__).with_name("questions.jsonl")
GOOD = {"text": "hi", "domain": "small_talk", "level": "simple", "language": "en", "part": "held_out"}


@pytest.fixture(scope="module")
def questions() -> list[LabelledQuestion]:
    return list(labelled_questions(FILE.read_text("utf-8").split("\n")))


def test_levels_and_domains_are_right_for_85_of_100_held_out_questions(questions: list[LabelledQuestion]) -> None:
    evaluation = evaluate(question for question in questions if question.part == "held_out")

    assert evaluation.level_accuracy >= 0.85
    assert evaluation.domain_accuracy >= 0.85


def test_a_hash_of_the_text_says_which_part_a_question_belongs_to(questions: list[LabelledQuestion]) -> None:
    for question in questions:
        even = hashlib.sha256(question.text.encode()).digest()[0] % 2 == 0
        assert question.part == ("tuning" if even else "held_out"), question.text


def test_a_good_share_of_the_questions_is_arabic(questions: list[LabelledQuestion]) -> None:
    assert sum(question.language in ("ar", "mixed") for question in questions) >= 0.3 * len(questions)


def test_the_command_prints_the_confusions_and_the_time() -> None:
    printed = run()

    assert "levels right:" in printed and "domains right:" in printed
    assert "labelled, scored as" in printed and "time per question: p50" in printed


def test_the_command_takes_questions_of_ones_own(tmp_path: Path) -> None:
    wrong = GOOD | {"level": "complex", "text": "hello \ud800 there"}

    printed = run("--errors", file=written(tmp_path, json.dumps(GOOD), "", json.dumps(wrong)))

    assert "2 questions (held_out)" in printed and "levels right:  50.0%" in printed
    assert "labelled complex, small_talk" in printed and "greeting or thanks" in printed


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"none\.jsonl cannot be read: No such file"):
        run(file=tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Line 2: no JSON"),
        ("[]", "Line 2: no JSON object"),
        (json.dumps({key: GOOD[key] for key in GOOD if key != "level"}), "Line 2: the field level is missing"),
        (json.dumps(GOOD | {"level": "hard"}), "Line 2: 'hard' is not a valid Level"),
        (json.dumps(GOOD | {"part": "all"}), "Line 2: part is one of tuning, held_out, not 'all'"),
        (json.dumps(GOOD | {"earlier": "hi"}), "Line 2: text and language are strings, earlier is a list"),
        (json.dumps(GOOD | {"text": 7}), "Line 2: text and language are strings"),
        (json.dumps(GOOD | {"levle": "simple"}), "Line 2: unknown field levle"),
    ],
)
def test_a_malformed_line_is_named_with_its_fault(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(file=written(tmp_path, json.dumps(GOOD), line))


def test_a_part_without_questions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="has no questions of the part tuning"):
        run("--part", "tuning", file=written(tmp_path, json.dumps(GOOD)))


def test_our_own_questions_are_evaluated_unless_others_are_named() -> None:
    out = io.StringIO()

    call_command("evaluate_router", stdout=out)

    assert "(held_out)" in out.getvalue()


def run(*arguments: str, file: Path = FILE) -> str:
    out = io.StringIO()
    call_command("evaluate_router", *arguments, "--file", str(file), stdout=out)
    return out.getvalue()


def written(folder: Path, *lines: str) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    return path
