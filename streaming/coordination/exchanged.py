"""What processes leave in Redis for each other, while some of them may be of another version."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

logger = logging.getLogger(__name__)

T = TypeVar("T")


def read(stored: Iterable[Any], shape: type[T]) -> list[T]:
    """JSON of this shape. Left out is what is not there, and what another version stored in another shape."""
    found = []
    for one in stored:
        if one is not None:
            try:
                found.append(msgspec.json.decode(one, type=shape))
            except (msgspec.DecodeError, UnicodeError) as error:
                logger.debug("an entry of another version is skipped: %s: %s", shape, error)
    return found
