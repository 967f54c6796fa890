"""Ends a process that cannot work with one sentence and exit code 2 (a setting) or 1 (database or Redis)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, OperationalError, ProgrammingError, connections
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from chatsite.private import refuse_wider

SETTING, NEEDED = 2, 1
ABOUT_THE_DATABASE = (OperationalError, InterfaceError, ProgrammingError)


@contextmanager
def end_with_sentence() -> Iterator[None]:
    """Ends the process with a sentence instead of a traceback. Our own bugs keep their traceback."""
    try:
        yield
    except ImproperlyConfigured as error:
        end(str(error), SETTING)
    except ABOUT_THE_DATABASE as error:
        end(why_unusable(error), NEEDED)
    except RedisError as error:
        end(f"Redis does not answer at REDIS_URL ({error}).", NEEDED)


def check_start() -> None:
    """Ends the process unless the settings can be read and the stored data is private."""
    with end_with_sentence():
        refuse_wider()


def end(sentence: str, code: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(code)


def why_unusable(error: Error) -> str:
    if is_behind():
        return "The database lacks what this version needs. Run this first: python manage.py migrate"
    if isinstance(error, ProgrammingError):
        raise error  # our bug: the tables exist
    return f"The database cannot be used ({' '.join(str(error).split())}). See DATABASE_URL in .env.example."


def is_behind() -> bool:
    """Whether the database answers but lacks migrations."""
    try:
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Error:
        return False
