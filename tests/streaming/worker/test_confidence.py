"""How sure a model was, from the probabilities of its tokens."""

from __future__ import annotations

import math

import pytest

from conversations.models.generation.confidence import Confidence
from conversations.models.generation.plan import StageResult
from streaming.model_servers.vllm.wire import LikelyToken
from streaming.worker.stage.stats import SPANS_KEPT, ConfidenceTracker


def likely(*pairs: tuple[str, float]) -> tuple[LikelyToken, ...]:
    return tuple(LikelyToken(token, math.log(probability)) for token, probability in pairs)


def test_the_mean_is_of_probabilities() -> None:
    tracker = ConfidenceTracker()
    tracker.take(0, "Hello world", likely(("Hello", 1.0), (" world", 0.5)))

    assert tracker.fields()["probability"] == 0.75


def test_unsure_tokens_are_passages_in_code_units() -> None:
    tracker = ConfidenceTracker()
    tracker.take(0, "😀 a", likely(("😀", 0.9), (" a", 0.2)))
    tracker.take(4, "b", likely(("b", 0.1)))
    tracker.take(5, "c", likely(("c", 0.9)))
    tracker.take(6, "d", likely(("d", 0.4)))

    assert tracker.low_confidence_spans == [[2, 5], [6, 7]]


def test_tokens_that_do_not_make_up_the_text_count_for_all_of_it() -> None:
    tracker = ConfidenceTracker()
    tracker.take(3, "é!", likely(("\ufffd", 0.3), ("\ufffd!", 0.9)))

    assert tracker.low_confidence_spans == [[3, 5]]


def test_passages_are_bounded() -> None:
    tracker = ConfidenceTracker()
    for at in range(0, 4 * SPANS_KEPT, 2):
        tracker.take(at, "x", likely(("x", 0.1)))

    assert len(tracker.low_confidence_spans) == SPANS_KEPT
    assert tracker.low_confidence_tokens == 2 * SPANS_KEPT


def test_what_an_earlier_attempt_measured_counts_by_its_tokens() -> None:
    tracker = ConfidenceTracker.of(
        StageResult(measured_tokens=3, probability=0.8, low_confidence_share=1 / 3, low_confidence_spans=[[0, 2]])
    )
    tracker.take(9, "x", likely(("x", 0.4)))

    assert tracker.fields() == {
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
    assert StageResult("done", completion_tokens=9).confidence is None
    assert StageResult("running", probability=0.9).confidence is None
    assert StageResult("done", probability=0.9).confidence == Confidence(0.9)
