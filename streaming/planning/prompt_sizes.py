"""How many tokens a prompt has, about: by how many characters a token of the model had lately."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import floor, log10

FEWEST_TOKENS = 200  # fewer tell nothing
REMEMBERED_TOKENS = 50_000  # then what is older counts half


@dataclass
class Seen:
    characters: float = 4.0 * FEWEST_TOKENS  # until there is more to go by
    tokens: float = 1.0 * FEWEST_TOKENS


class PromptSizes:
    """As one process knows them."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, Seen] = defaultdict(Seen)

    def note(self, model: str, characters: int, tokens: int) -> None:
        """A prompt of so many characters had so many tokens."""
        seen = self._seen[model]
        seen.characters += characters
        seen.tokens += tokens
        if seen.tokens > REMEMBERED_TOKENS:
            seen.characters /= 2
            seen.tokens /= 2

    def about(self, model: str, characters: int) -> int:
        """In two figures; never 0."""
        seen = self._seen[model]
        tokens = max(1.0, characters * seen.tokens / seen.characters)
        return round(round(tokens), min(0, 1 - floor(log10(tokens))))
