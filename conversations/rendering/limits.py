"""How much is read for marks: beyond, a text is shown as it is, so that rendering takes bounded time."""

from __future__ import annotations

import re

BLOCK_LIMIT = 30_000  # characters of a block other than code
TEXT_LIMIT = 8_000  # characters of a paragraph or cell
MARKS_LIMIT = 1_500  # in a paragraph or cell, of the characters that make the inline patterns work

MARK = re.compile(r"[\[\]<`*_$~!\\&]")


def is_readable(text: str) -> bool:
    """A paragraph, heading or cell."""
    if len(text) <= MARKS_LIMIT:
        return True
    return len(text) <= TEXT_LIMIT and len(MARK.findall(text)) <= MARKS_LIMIT
