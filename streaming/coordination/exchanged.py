"""Reads what processes store in Redis for each other; some of them may run another version."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

logger = logging.getLogger(__name__)

T = TypeVar("T")


def read(stored: Iterable[Any], shape: type[T]) -> list[T]:
    """Decode JSON of this shape. Skips missing values, and those that another version stored in another shape."""
    found = []
    for one in stored:
        if one is not None:
            try:
                found.append(msgspec.json.decode(one, type=shape))
            except (msgspec.DecodeError, UnicodeError) as error:
                logger.debug("an entry of another version is skipped: %s: %s", shape, error)
    return found
