"""Django's sessions in the database, looked up only by well-formed keys.

A cookie may contain anything, and PostgreSQL raises an error for a NUL in a text.
"""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str) -> bool:
        is_valid = bool(super()._validate_session_key(key))  # type: ignore[misc] # the stubs do not know it
        return is_valid and set(key) <= set(VALID_KEY_CHARS)
