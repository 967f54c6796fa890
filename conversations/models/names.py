"""A field for names that people enter: a single line, without direction controls that would affect text around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from .chat.titles import one_line

if TYPE_CHECKING:
    CharField = models.CharField[str, str]
else:
    CharField = models.CharField  # not generic at run time


class NameField(CharField):
    """Removes invisible characters, so a name that has no others is empty."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return one_line(text) if isinstance(text, str) else text

    def deconstruct(self) -> Any:
        """A plain CharField in migrations: the column is the same."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
