"""What `manage.py check --database default` and `manage.py migrate` say of the tiers and stages that admins entered."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import DatabaseError

from streaming.ops.troubles import troubles


@register(Tags.database)
def check_tiers(databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warnings only: answers are given all the same."""
    if not databases:
        return []
    try:
        return [Warning(trouble, id="streaming.W001") for trouble in troubles()]
    except DatabaseError:  # before the first migration, or without a database, which others tell better
        return []
