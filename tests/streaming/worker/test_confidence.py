"""How sure a model was, from the probabilities of its tokens."""

from __future__ import annotations

import math

import pytest

from conversations.models.generation.confidence import Confidence
from conversations.models.generation.plan import Outcome
from streaming.model_servers.vllm.wire import LikelyToken
from streaming.worker.stage.confidence import SPANS_KEPT, ConfidenceTracker


def likely(*pairs: tuple[str, float]) -> tuple[LikelyToken, ...]:
    return tuple(LikelyToken(token, math.log(probability)) for token, probability in pairs)


def test_the_mean_is_of_probabilities() -> None:
    certainty = ConfidenceTracker()
    certainty.take(0, "Hello world", likely(("Hello", 1.0), (" world", 0.5)))

    assert certainty.figures()["probability"] == 0.75


def test_unsure_tokens_are_passages_in_code_units() -> None:
    certainty = ConfidenceTracker()
    certainty.take(0, "😀 a", likely(("😀", 0.9), (" a", 0.2)))
    certainty.take(4, "b", likely(("b", 0.1)))
    certainty.take(5, "c", likely(("c", 0.9)))
    certainty.take(6, "d", likely(("d", 0.4)))

    assert certainty.low_confidence_spans == [[2, 5], [6, 7]]


def test_tokens_that_do_not_make_up_the_text_count_for_all_of_it() -> None:
    certainty = ConfidenceTracker()
    certainty.take(3, "é!", likely(("\ufffd", 0.3), ("\ufffd!", 0.9)))

    assert certainty.low_confidence_spans == [[3, 5]]


def test_passages_are_bounded() -> None:
    certainty = ConfidenceTracker()
    for at in range(0, 4 * SPANS_KEPT, 2):
        certainty.take(at, "x", likely(("x", 0.1)))

    assert len(certainty.low_confidence_spans) == SPANS_KEPT
    assert certainty.low_confidence_tokens == 2 * SPANS_KEPT


def test_what_an_earlier_attempt_measured_counts_by_its_tokens() -> None:
    certainty = ConfidenceTracker.of(
        Outcome(measured_tokens=3, probability=0.8, low_confidence_share=1 / 3, low_confidence_spans=[[0, 2]])
    )
    certainty.take(9, "x", likely(("x", 0.4)))

    assert certainty.figures() == {
        "measured_tokens": 4,
        "probability": 0.7,
        "low_confidence_share": 0.5,
        "low_confidence_spans": [[0, 2], [9, 10]],
    }


@pytest.mark.parametrize(
    ("probability", "unsure", "level"),
    [(0.95, 0.05, "high"), (0.95, 0.2, "medium"), (0.75, 0.1, "medium"), (0.6, 0.1, "low"), (0.9, 0.5, "low")],
)
def test_the_level_follows_from_both(probability: float, unsure: float, level: str) -> None:
    assert Confidence(probability, unsure).level == level


def test_what_was_not_measured_has_no_confidence() -> None:
    assert Outcome("done", completion_tokens=9).confidence is None
    assert Outcome("running", probability=0.9).confidence is None
    assert Outcome("done", probability=0.9).confidence == Confidence(0.9)
