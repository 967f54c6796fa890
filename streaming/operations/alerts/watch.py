"""Checks the alert rules and has due messages sent. Any number of processes may do so at once."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import connection
from redis.exceptions import RedisError

from conversations import site_time
from conversations.models import AlertEpisode, AlertRule
from streaming.coordination.redis_clients import open_sync_client

from .delivery import deliver
from .readings import Reading, readings

logger = logging.getLogger(__name__)

WATCHED = "throughline:alerts:watched"  # exists while a process has checked lately
WATCHED_FOR_S = 45
REDIS_TIMEOUT_S = 2.0


def watch(now: datetime | None = None) -> None:
    """A query or two for each rule and each open episode; then sends due messages."""
    compare(now or site_time.now())
    deliver(now)


def compare(now: datetime) -> None:
    rules = list(AlertRule.objects.filter(enabled=True))
    known = readings({rule.figure for rule in rules}, now)
    for rule in rules:
        follow(rule, known[rule.figure], now)
    AlertEpisode.objects.all().end_of_disabled_rules()


def follow(rule: AlertRule, reading: Reading, now: datetime) -> None:
    """The alert of a subject that no longer exists, such as a removed server, ends."""
    for subject, value in reading.items():
        if value is not None and rule.is_broken_by(value):
            AlertEpisode.go_on(rule, subject, value, now)
    for episode in rule.episodes.filter(ended_at=None).select_related("rule"):
        value = reading.get(episode.subject, 0.0)
        is_gone = episode.subject not in reading
        if is_gone or (value is not None and not rule.is_broken_by(value)):
            episode.get_well(now)


def note_watch() -> None:
    """Raises RedisError."""
    with open_sync_client(REDIS_TIMEOUT_S) as redis:
        redis.set(WATCHED, 1, ex=WATCHED_FOR_S)


def stand_in_apart() -> None:
    """For a separate thread, which must keep no database connection."""
    try:
        stand_in()
    finally:
        connection.close()


def stand_in() -> bool:
    """Checks the rules if no worker has lately: none is up, all are busy, or Redis is down. True if it checked."""
    try:
        with open_sync_client(REDIS_TIMEOUT_S) as redis:
            if not redis.set(WATCHED, 1, ex=WATCHED_FOR_S, nx=True):
                return False
    except (RedisError, OSError) as error:
        logger.warning("watching without Redis: %s", error)
    watch()
    return True
