"""Django looks for the admin's classes here."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin

from conversations.budget_admin import BudgetAdmin, LedgerEntryAdmin
from conversations.people_admin import PersonAdmin
from conversations.review.admin import ConversationAdmin, LookAdmin, ReviewAdmin
from conversations.stage_admin import PipelineAdmin, StageAdmin
from conversations.token_admin import ApiTokenAdmin

__all__ = [
    "ApiTokenAdmin",
    "BudgetAdmin",
    "ConversationAdmin",
    "LedgerEntryAdmin",
    "LookAdmin",
    "PersonAdmin",
    "PipelineAdmin",
    "ReviewAdmin",
    "StageAdmin",
]

# The site's own sign-in limits guesses; the admin's does not.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign, no-untyped-call]
