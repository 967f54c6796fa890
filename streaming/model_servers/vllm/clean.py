"""Converts values from a model server, of any type and size, to values that can be stored, shown and summed.

Nonsense becomes None or empty; no odd value raises. No I/O here.
"""

from __future__ import annotations

import json
import re

import msgspec

from conversations.models.chat.asking import UNSTORABLE, storable

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MOST_TOKENS = 100_000_000  # per count, so that an answer's sums fit a database integer
MOST = 1e15  # per other number
ROUNDING = 1e-3  # by which the logarithm of a probability may be above zero
UNTOLD = -9999.0  # vLLM's value for minus infinity, or for no logarithm
MOST_VALUES = 100_000  # in one JSON text; creating millions of objects would block the process for seconds
INTEGER_DIGITS = 18  # longer numbers are no counts; Python refuses to parse thousands of digits

_decode = msgspec.json.Decoder().decode
CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")  # with those that change the text's direction
HIGH_HALF = re.compile("[\ud800-\udbff]\\Z")


class Unreadable(ValueError):
    """Not JSON, not even leniently parsed. The message quotes nothing of it."""


def decode(data: bytes) -> object:
    """Parses JSON, also with NaN, lone surrogates, raw control characters or bytes that are not UTF-8. Raises
    Unreadable."""
    # The characters may also be within texts.
    if len(data) > MOST_VALUES and sum(map(data.count, (b",", b"[", b"{"))) > MOST_VALUES:
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
    """Joins adjacent surrogates to characters; replaces what databases cannot store."""
    if not UNSTORABLE.search(text):
        return text
    return storable(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


class Pieces:
    """A text in pieces, each of which may end between the two surrogates of a character."""

    def __init__(self) -> None:
        self._half = ""

    def take(self, piece: str) -> str:
        """Returns the text that can be stored now."""
        if self._half:
            piece, self._half = self._half + piece, ""
        if piece.isascii():
            return piece if "\0" not in piece else storable(piece)
        if HIGH_HALF.search(piece):
            piece, self._half = piece[:-1], piece[-1]
        return whole_pairs(piece)

    def rest(self) -> str:
        """Returns, at the end, a surrogate whose other half never came, replaced."""
        half, self._half = self._half, ""
        return storable(half)


def label(value: object, limit: int) -> str:
    """Returns a name or code on one line, without control characters; empty for anything but text."""
    if not isinstance(value, str):
        return ""
    return " ".join(whole_pairs(CONTROLS.sub(" ", value[: 4 * limit])).split())[:limit]


def name(value: object, limit: int) -> str:
    """Returns a name that can be sent back unchanged; empty for anything else."""
    found = label(value, limit)
    return found if found == value and "\ufffd" not in found else ""


def number(value: object) -> float | None:
    """Returns a finite number, zero or more; None for anything else, such as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MOST else None


def tokens(value: object) -> int | None:
    """Returns a count, also from 7.0 or "7"; None for anything else, or if absurdly large."""
    if isinstance(value, str) and value.isascii() and value.strip().isdigit() and len(value) <= INTEGER_DIGITS:
        value = int(value)
    found = number(value)
    return int(found) if found is not None and found.is_integer() and found <= MOST_TOKENS else None


def log_probability(value: object) -> float | None:
    """Returns a token's natural logarithm, which exceeds zero at most by rounding; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if UNTOLD < value <= ROUNDING else None
