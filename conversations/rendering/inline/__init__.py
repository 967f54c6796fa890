"""Inline Markdown: our patterns for Python-Markdown, whose own handle emphasis."""

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
