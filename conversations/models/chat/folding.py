"""Normalises text for searches: ignores case and Unicode form, in the same way on every database."""

from __future__ import annotations

import re
import unicodedata

# Invisible characters: soft hyphens, joiners, direction marks, variation selectors, fillers, tags.
UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
# Turkish and Azerbaijani have dotted and dotless i, each in both cases. Searches match either, with any keyboard.
DOTS_OF_I = re.compile("[i\u0131]\u0307*")


def fold(text: str) -> str:
    """Unicode's compatibility caseless form (Unicode Standard, D146), composed, with one letter i. Idempotent."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFD", UNSEEN.sub("", text)).casefold()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", folded).casefold())
    folded = DOTS_OF_I.sub("i", UNSEEN.sub("", folded))
    return unicodedata.normalize("NFKC", folded)
