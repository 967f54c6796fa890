"""How many tokens an answer will probably have, by what answers to such questions had lately; and a text, at most."""

from __future__ import annotations

import time
from statistics import quantiles

from django.db.models.functions import Length

from conversations.models import Generation
from conversations.models.generation import Status

SAMPLE = 300  # latest complete answers that are looked at
NEIGHBOURS = 30  # of these, the ones whose questions were closest in length
FEWEST = 5  # with fewer there is nothing to tell from
WITHOUT_EXPERIENCE = 400  # tokens
KNOWN_FOR_S = 60.0
BYTES_PER_TOKEN = 3
MESSAGE_TOKENS = 8

_known: tuple[float, list[tuple[int, int]]] = (-KNOWN_FOR_S, [])


def expected_tokens(question_length: int) -> int:
    """A length that two of three such answers stay below. At most one query a minute per process."""
    answers = sorted(lately(), key=lambda answer: abs(answer[0] - question_length))[:NEIGHBOURS]
    if len(answers) < FEWEST:
        return WITHOUT_EXPERIENCE
    return round(quantiles([tokens for _, tokens in answers], n=3)[1])


def most_tokens(text: str) -> int:
    """That a text is for a model, with its message's marks. Languages need three bytes a token, or more; digits and
    rare signs fewer."""
    return len(text.encode()) // BYTES_PER_TOKEN + MESSAGE_TOKENS


def lately() -> list[tuple[int, int]]:
    """(characters of the question, tokens of the answer) of the latest complete answers."""
    global _known
    known_since, answers = _known
    if time.monotonic() - known_since > KNOWN_FOR_S:
        done = Generation.objects.filter(status=Status.DONE, completion_tokens__gt=0).order_by("-finished_at")
        lengths = done.values_list(Length("message__parent__parts__text"), "completion_tokens")[:SAMPLE]
        answers = [(length or 0, tokens or 0) for length, tokens in lengths]
        _known = (time.monotonic(), answers)
    return answers
