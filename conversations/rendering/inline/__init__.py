"""What stands inside a line: our patterns for Python-Markdown, whose own do emphasis and bare addresses."""

from .links import References, normalised_label, without_marks
from .patterns import LEFTOVER, CleanText, LineBreaks, register_patterns, without_placeholders
from .suffix import BracketPairs
from .verbatim import LastTicks

__all__ = [
    "LEFTOVER",
    "BracketPairs",
    "CleanText",
    "LastTicks",
    "LineBreaks",
    "References",
    "normalised_label",
    "register_patterns",
    "without_marks",
    "without_placeholders",
]
