"""The database from coroutines: a few threads, each with a connection of its own that it keeps.

Channels' own bridge runs everything in one thread, where one slow query holds up every socket, and opens a connection
per call; on SQLite that costs more than the query.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import connection

P = ParamSpec("P")
R = TypeVar("R")

THREADS = 4

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="database")


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that queries. Cancelling stops the waiting only: a transaction that has begun ends by itself."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, lambda: with_connection(function, *args, **kwargs))


def with_connection(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call with a working connection: one that met an error is tested first, and replaced if it is broken."""
    if connection.connection is not None:
        connection.close_at = None  # as long as the thread lives, whatever CONN_MAX_AGE is for pages
        connection.close_if_unusable_or_obsolete()
    return function(*args, **kwargs)
