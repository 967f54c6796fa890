"""Limits that bound rendering time: texts beyond them are shown without parsing their marks."""

from __future__ import annotations

import re

BLOCK_LIMIT = 30_000  # characters of a block other than code
TEXT_LIMIT = 8_000  # characters of a paragraph or cell
MARKS_LIMIT = 1_500  # characters in a paragraph or cell that inline patterns start from

MARK = re.compile(r"[\[\]<`*_$~!\\&]")


def is_readable(text: str) -> bool:
    """Whether the text of a paragraph, heading or cell is parsed for marks."""
    if len(text) <= MARKS_LIMIT:
        return True
    return len(text) <= TEXT_LIMIT and len(MARK.findall(text)) <= MARKS_LIMIT
