"""Titles: one line of what can be seen, cut where a reader would cut."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from .asking import can_be_seen, storable

LENGTH = 120  # characters at most, which the database holds
WORDS_LENGTH = 48  # of what a reader takes for one character, in a title made of a question

CLEANED_LENGTH = 2000  # characters of a question, for Markdown's signs

# What turns a line around or cannot be seen: but joiners, which make one sign of several, and what chooses its look.
OUT_OF_PLACE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
JOINER = "\u200d"
SPACE = re.compile(r"\s+")

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*$", re.MULTILINE)
BULLET = r"[-*+][ \t]+(?:\[[ xX]\][ \t]+)?"
BEFORE_A_LINE = re.compile(rf"^[ \t]*(?:#{{1,6}}[ \t]+|>[ \t]?|{BULLET}|\d{{1,9}}[.)][ \t]+)+", re.MULTILINE)
RULE = re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$|^[ \t|:-]*--[ \t|:-]*$", re.MULTILINE)
LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\s]*\)")
MARKS = re.compile(r"(\*{1,3}|~~|`+|\$\$?)(?=\S)(.+?)(?<=\S)\1(?!\d)")  # $5 and $6 are no mathematics
UNDERSCORES = re.compile(r"(?<!\w)(_{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)")


def one_line(title: str) -> str:
    """Without line breaks, control characters and what turns the direction of what stands around it."""
    title = SPACE.sub(" ", OUT_OF_PLACE.sub("", title))
    return storable("".join(char for char in title if unicodedata.category(char) != "Cc")).strip()


def title_of(question: str) -> str:
    """The question's first words, without Markdown's signs. Empty if there is nothing to see in it."""
    for text in (plain(question.strip()[:CLEANED_LENGTH]), question):
        line = one_line(text)
        if can_be_seen(line):
            return shortened(line)
    return ""


def plain(markdown: str) -> str:
    """Roughly what a reader sees of it; code stays, its fences go."""
    text = RULE.sub("", FENCE.sub("", markdown))
    text = LINK.sub(r"\1", BEFORE_A_LINE.sub("", text))
    return UNDERSCORES.sub(r"\2", MARKS.sub(r"\2", MARKS.sub(r"\2", text)))


def shortened(line: str, limit: int = WORDS_LENGTH) -> str:
    """Cut at the end of a word if there is one in the latter half, else between two signs."""
    signs = list(graphemes(line))
    if len(signs) <= limit and len(line) <= LENGTH:
        return line
    cut = fitting("".join(signs[:limit]), LENGTH - 1)
    words = cut.rpartition(" ")[0]
    return (words if len(words) > len(cut) / 2 else cut).rstrip() + "…"


def fitting(title: str, limit: int = LENGTH) -> str:
    """Its beginning, of at most so many characters, with no sign cut in two; one that is too long for itself is."""
    length = 0
    for sign in graphemes(title):
        if length + len(sign) > limit:
            return title[: length or limit]
        length += len(sign)
    return title


def graphemes(text: str) -> Iterator[str]:
    """What a reader takes for one character each: a letter with its marks, an emoji with all that is joined to it.

    Unicode's extended grapheme clusters (UAX 29), without the rule for conjuncts of Indian scripts, whose parts stay
    legible.
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
        or char in (JOINER, "\u200c", "\u0e33", "\u0eb3")  # two vowels that are written behind their consonant
        or unicodedata.category(char) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # colours of skin
        or "\U000e0020" <= char <= "\U000e007f"  # tags, of the flags of regions
        or is_korean_rest(sign[-1], char)
    )


def is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def is_korean_rest(before: str, char: str) -> bool:
    """A vowel or a final consonant behind what begins its syllable."""
    return "\u1160" <= char <= "\u11ff" and ("\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3")
