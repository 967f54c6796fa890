"""The weight of each sign. Complexity, reasoning and urgency are sums of these rows, clamped to 0…1.

A sign found ``full_at`` times has its full weight; found less often, a proportional one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Weight:
    says: str  # for users; {n}: how often it was found
    complexity: float = 0.0
    reasoning: float = 0.0
    urgency: float = 0.0
    full_at: int = 1
    is_hard: bool = False  # without such a sign no question is complex, however long it is
    is_task: bool = False  # an ordinary task: of several, only the heaviest has its full weight


BASE_COMPLEXITY = 0.15
FURTHER_TASKS = 0.25  # of their weight
MEDIUM_FROM = 0.33
COMPLEX_FROM = 0.66
HARD_ENOUGH = 0.16  # least sum of a complex question's hard signs

WEIGHTS = {
    # what is asked for
    "proof": Weight("asks for a proof", 0.58, 0.70, is_hard=True),
    "design": Weight("asks for a design or a plan", 0.28, 0.30, is_hard=True),
    "analysis": Weight("asks for an analysis", 0.22, 0.35, full_at=2, is_hard=True),
    "diagnosis": Weight("looks for the cause of a fault", 0.22, 0.40, full_at=2, is_hard=True),
    "puzzle": Weight("logic puzzle", 0.40, 0.60, full_at=2, is_hard=True),
    "compare": Weight("asks for a comparison", 0.24, 0.20, is_task=True),
    "explain": Weight("asks for an explanation", 0.24, 0.15, is_task=True),
    "why": Weight("asks why", 0.24, 0.25, is_task=True),
    "how_to": Weight("asks how to do something", 0.15, 0.10, is_task=True),
    "calculation": Weight("asks for a calculation of several steps", 0.24, 0.30, is_task=True),
    "create": Weight("asks to write or make something", 0.24, 0.10, is_task=True),
    "roleplay": Weight("asks to play a role", 0.24, is_task=True),
    "word_problem": Weight("word problem with {n} numbers", 0.24, 0.30, is_task=True),
    "works_on": Weight("asks to work on a text", 0.0),
    "open": Weight("open question", 0.16, 0.05, is_task=True),
    "long_form": Weight("asks for a long text", 0.20, 0.15, full_at=2, is_hard=True),
    "transform": Weight("asks to change, convert or translate something", -0.10),
    "lookup": Weight("asks for a fact", -0.05),
    "greeting": Weight("greeting or thanks", -0.20),
    "feelings": Weight("speaks of feelings", 0.24, is_task=True),
    # how
    "steps": Weight("asks for several steps", 0.14, 0.20, is_hard=True),
    "constraints": Weight("names constraints", 0.20, 0.20, full_at=4, is_hard=True),
    "breadth": Weight("names several aspects to cover", 0.25, 0.15, full_at=5, is_hard=True),
    "scale": Weight("names large numbers", 0.10, full_at=2, is_hard=True),
    "easy": Weight("asks for something short or simple", -0.05),
    # what it looks like
    "short": Weight("short question", -0.06),
    "words": Weight("is {n} words long", 0.22, 0.10, full_at=60),
    "parts": Weight("question with {n} parts", 0.16, 0.15, full_at=8),
    "questions": Weight("asks {n} questions", 0.06, full_at=3),
    "code": Weight("contains code (lines: {n})", 0.32, 0.20, full_at=30, is_hard=True),
    "material": Weight("comes with something to work on", 0.12),
    "log": Weight("contains an error message", 0.12, 0.20),
    "table": Weight("contains a table (rows: {n})", 0.20, 0.10, full_at=12),
    "formulas": Weight("contains formulas", 0.0, 0.25, full_at=2),
    # how soon
    "urgent": Weight("is urgent", urgency=0.70),
    "hurried": Weight("asks for a quick answer", urgency=0.30),
    "loud": Weight("is written in capitals or with many exclamation marks", urgency=0.15),
}

# How strongly each feature indicates a domain.
CLEAR_WORD = 3.0
ANOTHER_SUBJECT = 1.0
HINT = 1.0
CODE_LINES = 4.0
SNIPPET = 2.5
TABLE = 4.0
FORMULA = 2.5
ENOUGH = 1.5  # below, the domain is OTHER
ENOUGH_OF_SHORT = 1.0  # in a short question
SHORT = 9  # words
EARLIER = 0.5  # factor for earlier messages
