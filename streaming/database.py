"""The database from coroutines: a few threads, each with a connection of its own that it keeps.

Channels' own bridge runs everything in one thread, where one slow query holds up every socket, and opens a connection
per call; on SQLite that costs more than the query.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import connection

P = ParamSpec("P")
R = TypeVar("R")

THREADS = 4
RESTED_S = 0.5  # a restart of the database takes longer; the test costs one round trip


class Last(threading.local):
    used_at = 0.0  # this thread's connection; monotonic


_last = Last()

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="database")


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that queries. Cancelling stops the waiting only: a transaction that has begun ends by itself."""
    loop = asyncio.get_running_loop()
    context = copy_context()  # log lines say what they are about there, too
    work = partial(with_connection, function, *args, **kwargs)
    return await loop.run_in_executor(_threads, lambda: context.run(work))


def with_connection(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call with a working connection: one that met an error, or has rested, is tested first, and replaced if it is
    broken. Django's own health checks leave that to the pool, to which ours do not return."""
    if connection.connection is not None:
        connection.close_at = None  # as long as the thread lives, whatever CONN_MAX_AGE is for pages
        connection.errors_occurred |= time.monotonic() - _last.used_at > RESTED_S
        connection.close_if_unusable_or_obsolete()
    try:
        return function(*args, **kwargs)
    finally:
        _last.used_at = time.monotonic()
