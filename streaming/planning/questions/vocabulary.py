"""Lookup tables of the words in subjects.py and intents.py."""

from __future__ import annotations

from .intents import MANNER
from .subjects import CLEAR, HINTS
from .words import normalised, words_of


def table(lists: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Inverts {sign: "word, two words"} to {"two words": (sign, …)}."""
    found: dict[str, tuple[str, ...]] = {}
    for sign, terms in lists.items():
        for term in dict.fromkeys(" ".join(words_of(normalised(term))) for term in terms.split(",")):
            found[term] = (*found.get(term, ()), sign)
    return found


CLEAR_WORDS = table(CLEAR)
HINT_WORDS = table(HINTS)
MANNER_WORDS = table(MANNER)
DOMAIN_WORDS = frozenset([*CLEAR_WORDS, *HINT_WORDS])
LONGEST_PHRASE = max(term.count(" ") + 1 for term in [*DOMAIN_WORDS, *MANNER_WORDS])
PHRASE_BEGINNINGS = frozenset(term.partition(" ")[0] for term in [*DOMAIN_WORDS, *MANNER_WORDS] if " " in term)
