"""Names that people give to things: one line, which turns nothing around in the sentences that it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from .chat.titles import one_line

if TYPE_CHECKING:
    CharField = models.CharField[str, str]
else:
    CharField = models.CharField  # no generic when it runs


class NameField(CharField):
    """Nothing that cannot be seen is kept of it, so a name of such signs only is an empty one."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return one_line(text) if isinstance(text, str) else text

    def deconstruct(self) -> Any:
        """To migrations it is a CharField: the columns are the same."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
