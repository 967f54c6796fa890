"""Database access from coroutines: a few threads, each with a persistent connection of its own.

Channels' own bridge runs everything in one thread, where one slow query holds up every socket, and opens a connection
per call, which on SQLite costs more than the query.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from itertools import chain, repeat
from typing import ParamSpec, TypeVar

from django.db import Error, connection

from conversations.models.database_errors import in_short, is_away

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

THREADS = 4
RETRY_DELAYS_S = (0.1, 0.5, 1.0, 2.0)  # while the database is unavailable; the last one repeats
RESTED_S = 0.5  # idle time before a connection is tested: a database restart takes longer; a test is one round trip


class Last(threading.local):
    used_at = 0.0  # this thread's connection; monotonic


_last = Last()

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="database")


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a querying function in a thread. Cancelling stops only the waiting: a running transaction completes."""
    loop = asyncio.get_running_loop()
    context = copy_context()  # so that log lines in the thread have the same correlation ids
    work = partial(with_connection, function, *args, **kwargs)
    return await loop.run_in_executor(_threads, lambda: context.run(work))


async def until_taken(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """``in_database``, retried while the database is unavailable. Raises errors that a retry cannot fix."""
    for delay in chain(RETRY_DELAYS_S, repeat(RETRY_DELAYS_S[-1])):
        try:
            return await in_database(function, *args, **kwargs)
        except Error as error:
            if not is_away(error):
                raise
            logger.warning("database retry in %g s: %s", delay, in_short(error))
        await asyncio.sleep(delay)
    raise AssertionError("there is always another try")


def with_connection(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call with a working connection: after an error, or RESTED_S of idleness, it is tested first and replaced if
    broken. Django leaves health checks to the pool, to which these connections never return."""
    if connection.connection is not None:
        connection.close_at = None  # keep it as long as the thread lives; CONN_MAX_AGE is for pages
        connection.errors_occurred |= time.monotonic() - _last.used_at > RESTED_S
        connection.close_if_unusable_or_obsolete()
    try:
        return function(*args, **kwargs)
    finally:
        _last.used_at = time.monotonic()
