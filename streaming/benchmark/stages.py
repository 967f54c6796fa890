"""Where the time to the first token goes, by the moments that the database has of each generation."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from conversations.models import Generation
from conversations.models.generation.generation import moments
from streaming.coordination.database import in_database

from .figures import MS, Figure
from .page import Page

STAGES = ("clicked", "accepted", "dispatched", "claimed", "requested", "first_token", "shown")


async def stages(pages: Sequence[Page]) -> Iterator[Figure]:
    """Medians of the steps from the click to the page."""
    lives = [life_of(page, generation) for page, generation in await in_database(generations, pages)]
    return of_lives(lives)


def of_lives(lives: Sequence[dict[str, float]]) -> Iterator[Figure]:
    whole = [life for life in lives if life.keys() >= set(STAGES)]
    for first, then in pairwise(STAGES if whole else ()):
        took = median(life[then] - life[first] for life in whole)
        yield Figure(f"TTFT, {first.replace('_', ' ')} → {then.replace('_', ' ')} p50", took * MS, "ms")


def generations(pages: Sequence[Page]) -> list[tuple[Page, Generation]]:
    found = Generation.objects.in_bulk([page.request for page in pages])
    by_id = {str(pk): generation for pk, generation in found.items()}
    return [(page, by_id[page.request]) for page in pages]


def life_of(page: Page, generation: Generation) -> dict[str, float]:
    """Moments by name, in seconds since 1970."""
    since_1970 = time.time() - time.monotonic()
    life = {name: moment.timestamp() for name, moment in moments(generation)}
    return {**life, "clicked": page.asked_at + since_1970, "shown": page.begun_at + since_1970}
