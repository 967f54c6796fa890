"""Lists of the admin that can be narrowed to a year, a month or a day: one that no calendar has is passed over."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest


class DatedList(ChangeList):
    def get_filters(self, request: HttpRequest) -> Any:
        """As Django does with other nonsense; it has forgotten this one."""
        try:
            return super().get_filters(request)
        except OverflowError as error:
            raise IncorrectLookupParameters(error) from error


class Dated:
    """Of an admin with a ``date_hierarchy``."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DatedList
