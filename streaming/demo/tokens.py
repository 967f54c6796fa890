"""Splits text into tokens much like a model's: about four characters each, always the same for the same text."""

from __future__ import annotations

import hashlib
import re

PIECE = re.compile(r"\n+| ?[^\W\d_]{1,5}| ?\d{1,3}|[^\S\n]+| ?[^\w\s]{1,2}|.", re.DOTALL)


def tokens_of(text: str) -> list[str]:
    """Splits the text: ``"".join(tokens_of(text)) == text``."""
    return PIECE.findall(text)


def seed_of(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()[:8])


def logprob_of(token: str, place: int) -> float:
    """Invents a value: most tokens are nearly certain. The same token at the same place has the same value."""
    chance = seed_of(token, str(place)) % 1000 / 1000
    return -0.02 - 0.1 * chance if chance < 0.85 else -0.4 - 3 * (chance - 0.85)
