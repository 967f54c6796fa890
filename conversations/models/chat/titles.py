"""Titles: a single line of visible text, cut at word or grapheme boundaries."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from .asking import can_be_seen, storable

LENGTH = 120  # characters at most, as in the database
WORDS_LENGTH = 48  # graphemes at most, in a title made from a question

CLEANED_LENGTH = 2000  # characters of a question that are stripped of Markdown

# Direction controls and invisible characters, except for joiners and variation selectors, which graphemes need.
OUT_OF_PLACE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
JOINER = "\u200d"
SPACE = re.compile(r"\s+")

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*$", re.MULTILINE)
BULLET = r"[-*+][ \t]+(?:\[[ xX]\][ \t]+)?"
BEFORE_A_LINE = re.compile(rf"^[ \t]*(?:#{{1,6}}[ \t]+|>[ \t]?|{BULLET}|\d{{1,9}}[.)][ \t]+)+", re.MULTILINE)
RULE = re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$|^[ \t|:-]*--[ \t|:-]*$", re.MULTILINE)
LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\s]*\)")
# The last lookahead keeps prices, such as "$5-$6".
MARKS = re.compile(r"(\*{1,3}|~~|`+|\$\$?)(?=\S)(.+?)(?<=\S)\1(?!\d)")
UNDERSCORES = re.compile(r"(?<!\w)(_{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)")


def one_line(title: str) -> str:
    """Remove line breaks, control characters and direction controls, which would affect the surrounding text."""
    title = SPACE.sub(" ", OUT_OF_PLACE.sub("", title))
    return storable("".join(char for char in title if unicodedata.category(char) != "Cc")).strip()


def title_of(question: str) -> str:
    """The question's first words, without Markdown syntax. Empty if nothing in it is visible."""
    for text in (plain(question.strip()[:CLEANED_LENGTH]), question):
        line = one_line(text)
        if can_be_seen(line):
            return shortened(line)
    return ""


def plain(markdown: str) -> str:
    """Roughly the text as rendered. Keeps code, without its fences."""
    text = RULE.sub("", FENCE.sub("", markdown))
    text = LINK.sub(r"\1", BEFORE_A_LINE.sub("", text))
    return UNDERSCORES.sub(r"\2", MARKS.sub(r"\2", MARKS.sub(r"\2", text)))


def shortened(line: str, limit: int = WORDS_LENGTH) -> str:
    """Cut at the end of a word if one ends in the latter half, else between graphemes."""
    signs = list(graphemes(line))
    if len(signs) <= limit and len(line) <= LENGTH:
        return line
    cut = fitting("".join(signs[:limit]), LENGTH - 1)
    words = cut.rpartition(" ")[0]
    return (words if len(words) > len(cut) / 2 else cut).rstrip() + "…"


def fitting(title: str, limit: int = LENGTH) -> str:
    """The beginning of ``title``, at most ``limit`` characters. Splits no grapheme unless the first one is too long."""
    length = 0
    for sign in graphemes(title):
        if length + len(sign) > limit:
            return title[: length or limit]
        length += len(sign)
    return title


def graphemes(text: str) -> Iterator[str]:
    """Yield what readers perceive as single characters: a letter with its marks, a sequence of joined emoji.

    These are Unicode's extended grapheme clusters (UAX 29), without the rule for conjuncts of Indic scripts, whose
    parts stay legible.
    """
    sign = ""
    for char in text:
        if sign and not goes_on(sign, char):
            yield sign
            sign = ""
        sign += char
    if sign:
        yield sign


def goes_on(sign: str, char: str) -> bool:
    if is_flag_letter(char):
        return len(sign) == 1 and is_flag_letter(sign)
    return (
        sign[-1] == JOINER
        or char in (JOINER, "\u200c", "\u0e33", "\u0eb3")  # Thai and Lao vowel AM
        or unicodedata.category(char) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= char <= "\U000e007f"  # tags, in flags of regions
        or is_korean_rest(sign[-1], char)
    )


def is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def is_korean_rest(before: str, char: str) -> bool:
    """Whether ``char`` is a vowel or final consonant that continues the Hangul syllable before it."""
    return "\u1160" <= char <= "\u11ff" and ("\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3")
