"""Values as a model server sends them, of any type and size → values that can be stored, shown and added up.

What makes no sense is None, or empty: no odd value raises. No I/O here.
"""

from __future__ import annotations

import json
import re

import msgspec

from conversations.models.chat.asking import UNSTORABLE, storable

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MOST_TOKENS = 100_000_000  # of one figure: the sum of all that an answer adds up fits a database's integer
MOST = 1e15  # of any other figure
ROUNDING = 1e-3  # by which a logarithm of a probability may be above zero
UNTOLD = -9999.0  # vLLM's logarithm of a token that it has none of, or minus infinity
MOST_VALUES = 100_000  # in one JSON text: to make objects of millions takes seconds, in which nothing else happens
INTEGER_DIGITS = 18  # a longer number is no count of anything; Python refuses to read thousands of digits

_decode = msgspec.json.Decoder().decode
CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")  # and what turns the direction of text around
HIGH_HALF = re.compile("[\ud800-\udbff]\\Z")


class Unreadable(ValueError):
    """No JSON, not even as lenient writers write it. Quotes nothing of it."""


def decode(data: bytes) -> object:
    """JSON; also with NaN, lone surrogates, raw control characters or bytes that are no UTF-8. Raises Unreadable."""
    if len(data) > MOST_VALUES and sum(map(data.count, (b",", b"[", b"{"))) > MOST_VALUES:  # in its texts, perhaps
        raise Unreadable(f"more than {MOST_VALUES:,} values")
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return decode_leniently(data)


def decode_leniently(data: bytes) -> object:
    try:
        text = data.decode("utf-8-sig", "surrogatepass")
    except UnicodeDecodeError:
        text = data.decode("utf-8-sig", "replace")
    try:
        return json.loads(text, strict=False, parse_int=integer)
    except json.JSONDecodeError as error:
        raise Unreadable(f"no JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"no JSON: {type(error).__name__}") from None


def integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= INTEGER_DIGITS else float(digits)


def whole_pairs(text: str) -> str:
    """Halves of a character beyond the first 65,536 that stand side by side are joined; what no database holds is
    replaced."""
    if not UNSTORABLE.search(text):
        return text
    return storable(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


class Pieces:
    """A text that comes in pieces, each of which may end in the middle of a character."""

    def __init__(self) -> None:
        self._half = ""

    def take(self, piece: str) -> str:
        """What can be stored of the text now."""
        if self._half:
            piece, self._half = self._half + piece, ""
        if piece.isascii():
            return piece if "\0" not in piece else storable(piece)
        if HIGH_HALF.search(piece):
            piece, self._half = piece[:-1], piece[-1]
        return whole_pairs(piece)

    def rest(self) -> str:
        """At the end: a half whose other half did not come."""
        half, self._half = self._half, ""
        return storable(half)


def label(value: object, limit: int) -> str:
    """A name or a code on one line, without control characters; empty for anything but text."""
    if not isinstance(value, str):
        return ""
    return " ".join(whole_pairs(CONTROLS.sub(" ", value[: 4 * limit])).split())[:limit]


def name(value: object, limit: int) -> str:
    """One that can be given back as it came; empty for anything else."""
    found = label(value, limit)
    return found if found == value and "\ufffd" not in found else ""


def number(value: object) -> float | None:
    """A finite one, not below zero; None for anything else, such as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MOST else None


def tokens(value: object) -> int | None:
    """A count: also 7.0 or "7". None for what is none, or out of all reason."""
    if isinstance(value, str) and value.isascii() and value.strip().isdigit() and len(value) <= INTEGER_DIGITS:
        value = int(value)
    found = number(value)
    return int(found) if found is not None and found.is_integer() and found <= MOST_TOKENS else None


def log_probability(value: object) -> float | None:
    """Of a token: a natural logarithm, so not above zero but for rounding."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if UNTOLD < value <= ROUNDING else None
