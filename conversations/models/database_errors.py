"""What the database says no to: for now, as it is away or busy, or for ever, as it does not take such a row."""

from __future__ import annotations

import sqlite3

from django.db import Error, InterfaceError, OperationalError

# Beside the database's own: its drivers meet numbers too large for them, and text that is none.
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
# Connection, rollback of a deadlock, no resources, lock not to be had, shut down, system error; and a server that only
# reads, until another one leads: postgresql.org/docs/current/errcodes-appendix.html
AWAY_ON_POSTGRESQL = ("08", "40", "53", "55", "57", "58", "25006")


def is_away(error: BaseException) -> bool:
    """Later it may take the same row. An error without a code is one of the connection, or of the pool."""
    if not isinstance(error, Error):
        return False
    cause = error.__cause__
    if (code := getattr(cause, "sqlite_errorcode", None)) is not None:
        return int(code) & 0xFF in AWAY_ON_SQLITE
    if (state := getattr(cause, "sqlstate", None)) is not None:
        return bool(state.startswith(AWAY_ON_POSTGRESQL))
    return isinstance(error, OperationalError | InterfaceError)


def in_short(error: BaseException) -> str:
    """For logs: PostgreSQL quotes the row below its first line."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
