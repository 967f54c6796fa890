"""Counts the features of a question. Of a long one, only both ends are read, to bound the time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from .lines import Lines, sorted_lines
from .vocabulary import CLEAR_WORDS, DOMAIN_WORDS, HINT_WORDS, LONGEST_PHRASE, MANNER_WORDS, PHRASE_BEGINNINGS
from .words import forms, normalised, words_of

FROM_THE_BEGINNING = 4000  # characters
FROM_THE_END = 1000
PROBLEM_WORDS = 15
REQUEST_WORDS = 30  # at most, of a request followed by a text
REQUEST_CHARACTERS = 400
REQUEST_ENDS = re.compile(r"\n|:\s|[.?!]\s")
PARTS = re.compile(r"[,،;؛]|\band\b|\bthen\b|\n *(?:[-*•]|\d+[.)])|[.?!؟](?=\s\S)")
NUMBER = re.compile(r"\d+")
NUMBERS_OF_SCALE = re.compile(r"\b\d+(?:\.\d+)?\s?(?:k|m|gb|tb|million|billion)\b|\b\d{2,}\s?(?:الف|مليون)|\bمليون")
FORMULA = re.compile(
    r"""
    \d\s?[+*/×÷^]\s?\d | \d\s-\s\d | \d\s?=|=\s?\? | \d\s?%\sof   # 17*23, 2x + 1 = 5, 15% of
    |\b[a-zس-ي]\s?\^\s?[\da-z(] | [a-zس-ي][²³] | \d[xyس]\b           # x^2, 3x
    |\b[a-z]\([a-z]\)\s?= | \b[a-z]\s?[+*-]\s?[a-z]\s?=             # f(x) =, x + y =
    |\$[^$\n]{1,100}\$ | [√∑∫≤≥∈→]
    """,
    re.VERBOSE,
)
REPEATS = re.compile(r"(?:ok |okay )?(?:and|what about|how about|same|also|now in|or) |و\w")
LOUD = re.compile(r"!{2,}|\b[A-Z]{4,}\b")


@dataclass
class Features:
    words: int = 0  # without code and tables
    request_words: int = 0  # without the text to work on
    parts: int = 0  # clauses of the request
    questions: int = 0
    numbers_of_scale: int = 0
    numbers: int = 0
    formulas: int = 0
    loud: int = 0
    repeats: bool = False  # begins like "and for …": a follow-up to an earlier question
    lines: Lines = field(default_factory=Lines)
    manner: Counter[str] = field(default_factory=Counter)  # signs of intents.py
    clear: dict[str, list[str]] = field(default_factory=dict)  # by domain: the words that indicate it
    hints: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_word_problem(self) -> bool:
        """True for a story with numbers that asks for another number."""
        asks = "lookup" in self.manner and self.words >= PROBLEM_WORDS
        return asks and self.numbers > 1 and not self.lines.table


def features_of(question: str) -> Features:
    seen = both_ends(question)
    lines = sorted_lines(seen)
    prose = normalised(lines.prose)
    request = request_in(prose)
    words = words_of(request)
    features = Features(
        words=round(len(words_of(prose)) * max(1.0, len(question) / max(len(seen), 1))),
        request_words=len(words),
        parts=len(PARTS.findall(request)),
        questions=request.count("?") + request.count("؟"),
        numbers_of_scale=len(NUMBERS_OF_SCALE.findall(request)),
        numbers=len(NUMBER.findall(request)),
        formulas=len(FORMULA.findall(request)),
        loud=len(LOUD.findall(lines.prose)),
        repeats=REPEATS.match(request) is not None,
        lines=lines,
    )
    look_up(words, features)
    return features


def both_ends(text: str) -> str:
    if len(text) <= FROM_THE_BEGINNING + FROM_THE_END:
        return text
    return text[:FROM_THE_BEGINNING] + "\n" + text[-FROM_THE_END:]


def request_in(prose: str) -> str:
    """Returns the request without the text to summarise, translate, …, if that follows a short request."""
    prose = prose.strip()
    ends = REQUEST_ENDS.finditer(prose[:REQUEST_CHARACTERS])
    return next((prose[: end.end()] for end in ends if asks_for_work_on_a_text(prose[: end.start()])), prose)


def asks_for_work_on_a_text(beginning: str) -> bool:
    words = words_of(beginning)
    signs = [MANNER_WORDS[term] for term in terms_in(words, MANNER_WORDS)] if len(words) <= REQUEST_WORDS else []
    return any("works_on" in sign for sign in signs)


def look_up(words: list[str], features: Features) -> None:
    """Each term counts once, however often it occurs."""
    for term in dict.fromkeys(terms_in(words, MANNER_WORDS)):
        features.manner.update(MANNER_WORDS[term])
    for term in dict.fromkeys(terms_in(words, DOMAIN_WORDS)):
        for domain in CLEAR_WORDS.get(term, ()):
            features.clear.setdefault(domain, []).append(term)
        for domain in HINT_WORDS.get(term, ()):
            features.hints.setdefault(domain, []).append(term)


def terms_in(words: list[str], vocabulary: Container[str]) -> Iterator[str]:
    """Yields the vocabulary's terms among the words: at each word, the longest phrase that begins there."""
    for at, word in enumerate(words):
        for form in forms(word):
            following = words[at + 1 : at + LONGEST_PHRASE] if form in PHRASE_BEGINNINGS else []
            if term := longest_term(form, following, vocabulary):
                yield term
                break


def longest_term(first: str, following: list[str], vocabulary: Container[str]) -> str:
    for length in range(len(following), -1, -1):
        phrase = " ".join([first, *following[:length]])
        if phrase in vocabulary:
            return phrase
        if length and phrase.removesuffix("s") in vocabulary:
            return phrase.removesuffix("s")
    return ""
