"""Splits text into words for lookups: one spelling for many variants, in English and Arabic."""

from __future__ import annotations

import re
from collections.abc import Iterator

SHORTEST_STEM = 3  # letters that must remain without a prefix or an ending

ONE_SPELLING = str.maketrans(
    dict(zip("أإآٱىةؤئگ٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "اااايهويك01234567890123456789", strict=True))
    | dict(zip("áàâäãéèêëíîïóôöõúùûüñç", "aaaaaeeeeiiioooouuuunc", strict=True))
)
UNWRITTEN = re.compile(
    "[\u0610-\u061a\u064b-\u065f\u0670\u0640\u200b-\u200f'’ʼ]"
)  # vowel signs, tatweel, marks, apostrophes
WORD = re.compile(r"[^\W_]+(?:\+\+|#)?")

ARABIC = re.compile("[\u0620-\u064a]")
ARABIC_PREFIXES = ("وبال", "وال", "بال", "كال", "فال", "لل", "ال", "عال", "هال", "و", "ف", "ب", "ل", "ك")
ARABIC_ENDINGS = ("هالي", "لي", "لنا", "ني", "ها", "هم", "ه", "ي", "ك")
ENGLISH_ENDINGS = (("ies", "y"), ("es", ""), ("s", ""), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"))


def normalised(text: str) -> str:
    """Lower case; Arabic without diacritics and tatweel, hamzas and final letters in one form."""
    return UNWRITTEN.sub("", text.casefold()).translate(ONE_SPELLING)


def words_of(text: str) -> list[str]:
    """``text``: normalised."""
    return WORD.findall(text)


def forms(word: str) -> Iterator[str]:
    """Yields the word and the words that it may be a form of."""
    yield word
    if word.isascii():
        yield from english_forms(word)
    elif ARABIC.match(word):
        yield from arabic_forms(word)


def english_forms(word: str) -> Iterator[str]:
    for ending, instead in ENGLISH_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            yield word[: -len(ending)] + instead


def arabic_forms(word: str) -> Iterator[str]:
    """Strips the prefixes "and", "the", "with", "for", and "for me", "it", "them" after an imperative."""
    stems = [word[len(prefix) :] for prefix in ARABIC_PREFIXES if word.startswith(prefix)]
    for stem in [word, *(stem for stem in stems if len(stem) >= SHORTEST_STEM)]:
        yield stem
        for ending in ARABIC_ENDINGS:
            if stem.endswith(ending) and len(stem) - len(ending) >= SHORTEST_STEM:
                yield stem[: -len(ending)]
