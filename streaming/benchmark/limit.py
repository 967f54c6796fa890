"""The largest number of streams at which 95 of 100 tokens are in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

LIMIT_MS = 100.0
CLOSE_ENOUGH = 0.1  # of the limit that was found
MOST = 6400

Holds = Callable[[int], Awaitable[bool]]


async def largest(first: int, holds: Holds) -> int:
    """By doubling, then by bisecting; 0 if not even one stream holds."""
    good, bad = 0, first
    while bad <= MOST and await holds(bad):
        good, bad = bad, bad * 2
    while bad - good > max(good * CLOSE_ENOUGH, 1):
        middle = (good + bad) // 2
        if await holds(middle):
            good = middle
        else:
            bad = middle
    return good
