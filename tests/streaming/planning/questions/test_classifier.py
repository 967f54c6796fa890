"""What the question classifier promises. How it reaches its scores is nobody's business but its own."""

from __future__ import annotations

import pytest

from conversations.models.catalog.pipeline import Domain, Level
from streaming.planning.questions.classifier import QueryClassifier

LONG = 100_000
ASKED_AND_ANSWERED = ("write a function in python that merges two sorted lists", "def merge(a, b): ...")
HOSTILE = {
    "empty": "",
    "whitespace": " \t\n\r\u2028\u200f ",
    "only emoji": "🙂🙃👩‍👩‍👧‍👦",
    "lone surrogates": "\ud800 why \udfff\ud83d",
    "control characters": "\x00\x01\x7f",
    "only marks": "؟؟؟!!!",
    "one long word": "a" * LONG,
    "one Arabic word": "وبال" * (LONG // 4),
    "long prose": "explain why this holds. " * (LONG // 24),
    "long code": "x = foo(bar);\n" * (LONG // 14),
    "braces": "{:" * (LONG // 2),
    "empty lines": "\n" * LONG,
}
classify = QueryClassifier().classify


@pytest.mark.parametrize("question", HOSTILE.values(), ids=HOSTILE.keys())
def test_every_text_is_scored_within_bounds_and_with_reasons(question: str) -> None:
    scores = classify(question, [question, question])

    assert all(0 <= score <= 1 for score in (scores.complexity, scores.urgency, scores.reasoning))
    assert scores.domain in Domain and scores.level in Level
    assert scores.reasons and all(reason.strip() for reason in scores.reasons)


def test_the_same_question_has_the_same_scores() -> None:
    question = "Prove that there are infinitely many primes, then compare two proofs."

    assert QueryClassifier().classify(question) == QueryClassifier().classify(question)


@pytest.mark.parametrize("question", ["why?", "explain more", "and for the second one?", "ليش؟", "اشرح أكثر"])
def test_a_follow_up_takes_the_domain_of_what_came_before(question: str) -> None:
    assert classify(question, ASKED_AND_ANSWERED).domain is Domain.CODE
    assert classify(question).domain is Domain.OTHER


def test_a_question_that_names_its_subject_keeps_it() -> None:
    assert classify("translate this poem to french", ASKED_AND_ANSWERED).domain is Domain.WRITING


def test_thanks_are_small_talk_whatever_came_before() -> None:
    assert classify("thank you!", ASKED_AND_ANSWERED).domain is Domain.SMALL_TALK
    assert classify("شكرا", ASKED_AND_ANSWERED).domain is Domain.SMALL_TALK


def test_a_repeated_question_is_as_hard_as_the_first() -> None:
    assert classify("and in Rust?", ASKED_AND_ANSWERED).level is Level.MEDIUM
    assert classify("and of Peru?", ["capital of chile", "Santiago."]).level is Level.SIMPLE


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Prove that the sum of two odd numbers is even", "asks for a proof"),
        ("hello!", "greeting or thanks"),
        ("what is wrong here?\n```\na = 1\nb = 2\nprint(a, b)\n```", "contains code (lines: 3)"),
        ("", "contains no words"),
    ],
)
def test_reasons_say_what_was_seen(question: str, reason: str) -> None:
    assert reason in classify(question).reasons


@pytest.mark.parametrize("plain, written", [("شكرا", "شُكْرًا"), ("شكرا", "شكـــــرا"), ("اثبت ان", "أَثبِتْ أنّ")])
def test_arabic_spellings_of_a_word_are_one(plain: str, written: str) -> None:
    assert classify(written) == classify(plain)


@pytest.mark.parametrize("question", ["urgent: the site does not load", "عاجل: الموقع لا يفتح"])
def test_urgent_words_make_a_question_urgent(question: str) -> None:
    assert classify(question).urgency >= 0.5
    assert classify("the site does not load").urgency == 0


def test_what_is_asked_for_counts_more_than_the_length_of_a_pasted_text() -> None:
    pasted = "The committee met on Tuesday and the treasurer proposed to postpone the painting of the hall. " * 40

    assert classify(f"summarise this for me\n\n{pasted}").level is Level.MEDIUM
    assert classify("Prove it.", ["is sqrt(2) rational?", "No."]).level is Level.COMPLEX
