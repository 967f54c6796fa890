"""The site's time, by which moments are stored that other machines compare: one clock for all of them.

Which clock that is, and how far this machine's is off, the live part finds out (streaming/coordination/redis_clock.py).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

_ahead = timedelta(0)  # of the site's time, by this machine's clock


def now() -> datetime:
    return timezone.now() - _ahead


def set_ahead(ahead: timedelta) -> None:
    global _ahead
    _ahead = ahead


def ahead() -> timedelta:
    """How far this machine's clock is ahead of the site's time; negative: behind."""
    return _ahead
