"""What a terminal shows of an answer before it begins, and when it has ended."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management.base import OutputWrapper

from conversations.models import Generation
from conversations.models.generation.plan import Plan, PlannedStage, StageResult, results_as_json
from streaming.log.records import PhaseBegan
from streaming.terminal.answer import Screen, confidence_lines
from streaming.terminal.excerpts import AROUND, DIM, MOST, PLAIN, UNSURE, excerpts_of
from tests.conversations.talk import answered, begin


def test_what_it_waits_for_stands_beside_the_answer() -> None:
    out, err = StringIO(), StringIO()
    screen = Screen(OutputWrapper(out), OutputWrapper(err), shows_text=True)

    for record in (
        PhaseBegan("starting"),
        PhaseBegan("waiting", "demo"),
        PhaseBegan("waiting", "demo", ahead=3),
        PhaseBegan("waiting", "demo", reading=4000),
        PhaseBegan("writing", "demo"),
    ):
        screen.show(record)

    assert out.getvalue() == ""
    assert err.getvalue().splitlines() == [
        "Waiting for the model server, 3 ahead.",
        "The model server reads about 4,000 tokens.",
    ]


def marked(passage: str) -> str:
    return f"{PLAIN}{UNSURE}{passage}{PLAIN}{DIM}"


# Unsure passages


def test_an_unsure_passage_stands_between_its_neighbours() -> None:
    text = f"{'a ' * 50}😀 maybe\nnot {'z ' * 50}"
    at = 100 + len("😀 ") + 1  # code units

    assert list(excerpts_of(text, [[at, at + 5]])) == [
        f"… {'a ' * ((AROUND - 3) // 2)}😀 {marked('maybe')} not {('z ' * ((AROUND - 5) // 2 + 1)).strip()} …"
    ]


def test_passages_that_are_close_share_a_line() -> None:
    assert list(excerpts_of("one two three", [[0, 3], [8, 13]])) == [f"{marked('one')} two {marked('three')}"]


def test_of_many_passages_the_rest_is_counted() -> None:
    found = list(excerpts_of("x" * 10_000, [[at, at + 1] for at in range(0, 10_000, 500)]))

    assert len(found) == MOST + 1 and found[-1] == f"and {20 - MOST} more passages"


@pytest.fixture
def staged(alice: User) -> Generation:
    """A draft and a synthesis, both measured."""
    plan = Plan((PlannedStage(0, "quick", "Draft"), PlannedStage(1, "synthesis", "Synthesis", waits=True)))
    measured = {"completion_tokens": 2, "measured_tokens": 2, "probability": 0.6, "low_confidence_share": 0.5}
    outcomes = {0: StageResult("done", **measured), 1: StageResult("done", low_confidence_spans=[[4, 9]], **measured)}
    generation = answered(begin(alice), "It is maybe so.", plan=plan.as_json(), outcomes=results_as_json(outcomes))
    generation.message.parts.update(stage=1)
    return generation


def test_the_answers_confidence_and_unsure_passages_are_told(staged: Generation) -> None:
    sentence, passage = confidence_lines(staged, of_all=False, in_colour=True)

    assert "Low confidence" in sentence and "Mean probability of the tokens 60%" in sentence
    assert passage == f"It i{marked('s may')}be so."


def test_every_stages_confidence_is_told_on_demand(staged: Generation) -> None:
    draft, synthesis = confidence_lines(staged, of_all=True, in_colour=False)

    assert draft.startswith("Draft: Low confidence: ") and synthesis.startswith("Synthesis: Low confidence: ")
