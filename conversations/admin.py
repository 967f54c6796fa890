"""Imports all admin classes: Django discovers them here."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.http import Http404, HttpRequest, HttpResponse

from conversations.accounts.people_admin import PersonAdmin
from conversations.accounts.token_admin import ApiTokenAdmin
from conversations.billing.admin import BudgetAdmin, LedgerEntryAdmin
from conversations.catalog.pipeline_admin import PipelineAdmin, StageAdmin
from conversations.review.admin import SEARCHED_LENGTH, AccessLogEntryAdmin, ConversationAdmin, ReviewAdmin

__all__ = [
    "AccessLogEntryAdmin",
    "ApiTokenAdmin",
    "BudgetAdmin",
    "ConversationAdmin",
    "LedgerEntryAdmin",
    "PersonAdmin",
    "PipelineAdmin",
    "ReviewAdmin",
    "StageAdmin",
]


class ShortSearchForm(ChangeListSearchForm):
    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return cleaned | {SEARCH_VAR: cleaned.get(SEARCH_VAR, "")[:SEARCHED_LENGTH]}


get_filters = ChangeList.get_filters


def get_filters_of_days(changes: ChangeList, request: HttpRequest) -> Any:
    """Ignore dates out of range, as Django ignores other invalid lookups."""
    try:
        return get_filters(changes, request)
    except OverflowError as error:
        raise IncorrectLookupParameters(error) from error


def completes_nothing(request: HttpRequest) -> HttpResponse:
    """Disable autocompletion: no field here uses it, and it would find conversations without an access log entry."""
    raise Http404


ChangeList.search_form_class = ShortSearchForm
ChangeList.get_filters = get_filters_of_days  # type: ignore[assignment, method-assign]
admin.site.autocomplete_view = completes_nothing  # type: ignore[method-assign]
# The site's sign-in page limits failed attempts; the admin's does not.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign, no-untyped-call]
