"""Numeric command-line arguments with bounds; a value out of bounds ends the command with a sentence."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def number(kind: Callable[[str], float], least: float = 0, most: float = float("inf")) -> Callable[[str], float]:
    """An argparse type for numbers from ``least`` to ``most``. ``kind``: int or float."""

    def parse(text: str) -> float:
        try:
            if least <= (value := kind(text)) <= most:
                return value
        except (ValueError, OverflowError):
            pass
        bounds = f"from {least:g} to {most:g}" if most < float("inf") else f"of at least {least:g}"
        raise argparse.ArgumentTypeError(f"{text!r} is no {'whole ' if kind is int else ''}number {bounds}")

    return parse


def positive(kind: Callable[[str], float]) -> Callable[[str], Any]:
    def parse(text: str) -> float:
        try:
            if 0 < (value := kind(text)) < float("inf"):
                return value
        except (ValueError, OverflowError):
            pass
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")

    return parse
