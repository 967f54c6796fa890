"""The site's time: one clock for all times that are stored and compared across machines.

streaming/coordination/redis_clock.py sets the offset of this machine's clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

_ahead = timedelta(0)  # this machine's clock minus the site's time


def now() -> datetime:
    return timezone.now() - _ahead


def set_ahead(ahead: timedelta) -> None:
    global _ahead
    _ahead = ahead


def ahead() -> timedelta:
    """How far this machine's clock is ahead of the site's time; negative if behind."""
    return _ahead
