"""Adds each ended answer to the history, once: its row's ``recorded`` and the roll-ups change in one transaction.

So recording may pause for any time, a process may die in the middle, and an end may be stored late. Recorded answers
are never read again, so erased conversations stay in the history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from conversations import site_time
from conversations.models.generation.generation import Generation

from .history import EPOCH, EVER, Grain, Key, RollUp
from .measuring import Dimension, charges_of, measurable, measure
from .stats import Stats

AT_ONCE = 500  # generations per transaction; SQLite has one writer at a time
MOST = 50_000  # generations per call
SETTLES = timedelta(seconds=5)  # after the end, for measurements that arrive later


class Overtaken(Exception):
    """Another process has recorded some of the same generations, or they were erased."""


def record_ended(settles: timedelta = SETTLES) -> int:
    """Record ended answers, the earliest first, at most about MOST. Returns how many."""
    recorded = 0
    while recorded < MOST and (batch := unrecorded(site_time.now() - settles)):
        try:
            record(batch)
        except Overtaken:
            break
        recorded += len(batch)
    return recorded


def unrecorded(before: datetime) -> list[Generation]:
    """The earliest AT_ONCE generations. One query."""
    return list(measurable().filter(recorded=False, finished_at__lt=before).order_by("finished_at")[:AT_ONCE])


def record(batch: list[Generation]) -> None:
    """Reads outside of the transaction to keep it short. Raises Overtaken."""
    ids = [generation.pk for generation in batch]
    added = stats_of(batch)
    with transaction.atomic():
        if Generation.objects.filter(pk__in=ids, recorded=False).update(recorded=True) != len(ids):
            raise Overtaken
        RollUp.grow(added)


def stats_of(batch: list[Generation]) -> dict[Key, Stats]:
    """Stats by minute, hour and day, where those are still kept, and for EVER. One query."""
    charges = charges_of([generation.pk for generation in batch])
    by_minute: defaultdict[datetime, defaultdict[Dimension, Stats]] = defaultdict(lambda: defaultdict(Stats))
    for generation in batch:
        assert generation.finished_at is not None
        minute = Grain.MINUTE.begin_of(generation.finished_at)
        measure(generation, charges.get(generation.pk, {}), by_minute[minute])
    return rolled_up(by_minute)


def rolled_up(by_minute: Mapping[datetime, Mapping[Dimension, Stats]]) -> dict[Key, Stats]:
    """Omits empty stats, such as those of skipped stages."""
    now = site_time.now()
    added: defaultdict[Key, Stats] = defaultdict(Stats)
    for minute, found in by_minute.items():
        begins = [(grain, grain.begin_of(minute)) for grain in Grain]
        kept = [(EVER, EPOCH), *((grain, begin) for grain, begin in begins if begin >= now - grain.kept)]
        for of, stats in found.items():
            for grain, begin in kept if stats.is_something else ():
                added[Key(grain, begin, of.as_stored)].add(stats)
    return added
