"""Tells temporary database errors, when it is unavailable or busy, from permanent ones, when it refuses a row."""

from __future__ import annotations

import sqlite3

from django.db import Error, InterfaceError, OperationalError

# The other types come from drivers: numbers too large for them, or malformed text.
REFUSALS = (Error, ValueError, TypeError, ArithmeticError)

AWAY_ON_SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}
# Connection, transaction rollback (deadlock), insufficient resources, lock not available, shutdown, system error;
# and a read-only server during a failover: postgresql.org/docs/current/errcodes-appendix.html
AWAY_ON_POSTGRESQL = ("08", "40", "53", "55", "57", "58", "25006")


def is_away(error: BaseException) -> bool:
    """Whether the error is temporary: the database may accept the same row later. Errors without a code come from the
    connection or the pool."""
    if not isinstance(error, Error):
        return False
    cause = error.__cause__
    if (code := getattr(cause, "sqlite_errorcode", None)) is not None:
        return int(code) & 0xFF in AWAY_ON_SQLITE
    if (state := getattr(cause, "sqlstate", None)) is not None:
        return bool(state.startswith(AWAY_ON_POSTGRESQL))
    return isinstance(error, OperationalError | InterfaceError)


def in_short(error: BaseException) -> str:
    """The first line, for logs: PostgreSQL quotes the row below it."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
