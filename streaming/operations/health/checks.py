"""Warnings of `manage.py check`, and of each worker's log at its start, about a set-up with which the site still runs.

With `--database default`, and in `manage.py migrate`, also about the contents of the database and about Redis.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from celery.signals import worker_ready
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import DatabaseError
from redis.exceptions import RedisError

from conversations.accounts.mail import mails_reach_nobody
from streaming.coordination.redis_clients import open_sync_client
from streaming.operations.measurements.stores import redis_stats

from .config_warnings import problems

logger = logging.getLogger(__name__)

REDIS_TIMEOUT_S = 2.0
NO_MAIL = "EMAIL_URL is not set: nobody can reset a password, and alerts reach nobody by email."
NO_CONTACT = "CONTACT is not set either: pages cannot say whom to ask for a new password."


@register(Tags.database)
def check_tiers(databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warnings only: answers are made all the same."""
    if not databases:
        return []
    try:
        return [Warning(problem, id="streaming.W001") for problem in problems()]
    except DatabaseError:
        # Before the first migration, or without a database, which is reported better elsewhere.
        return []


@register()
def check_surroundings(**_: Any) -> list[CheckMessage]:
    return [Warning(problem, id="streaming.W002") for problem in of_surroundings()]


@register(Tags.database)
def check_redis(databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    return [Warning(problem, id="streaming.W003") for problem in of_redis()] if databases else []


@worker_ready.connect
def tell_at_start(**_: object) -> None:
    for problem in (*of_surroundings(), *of_redis()):
        logger.warning(problem)


def of_surroundings() -> Iterator[str]:
    if mails_reach_nobody() and not settings.DEBUG:
        yield NO_MAIL if settings.CONTACT else f"{NO_MAIL} {NO_CONTACT}"
    file = Path(settings.ENV_FILE)
    if settings.ENV_FILE and file.is_file() and file.stat().st_mode & 0o077:
        yield f"{file} holds secrets, and other users of this machine can read it. Close it: chmod go= '{file}'"


def of_redis() -> list[str]:
    """Empty while Redis is down, which is reported elsewhere."""
    try:
        with open_sync_client(REDIS_TIMEOUT_S) as redis:
            return redis_stats(redis).warnings
    except (RedisError, OSError):
        return []
