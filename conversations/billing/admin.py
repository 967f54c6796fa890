"""Admin pages for budgets, which operators may edit, and for the ledger. docs/budgets.md explains which budget applies
to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest

from conversations.models import Budget, LedgerEntry
from conversations.models.billing.money import format_money

if TYPE_CHECKING:
    BudgetFormBase = forms.ModelForm[Budget]
    BudgetBase = admin.ModelAdmin[Budget]
    LedgerBase = admin.ModelAdmin[LedgerEntry]
else:  # not generic at run time
    BudgetFormBase = forms.ModelForm
    BudgetBase = LedgerBase = admin.ModelAdmin


class BudgetForm(BudgetFormBase):
    # A text field: a list of all users would be long, and not everyone may see it.
    user = forms.ModelChoiceField(
        User.objects.all(),
        to_field_name="username",
        required=False,
        widget=forms.TextInput,
        help_text="User name. Overrides the limits of the user's groups.",
        error_messages={"invalid_choice": "There is no user with this name."},
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        # Django sets the primary key as the initial value.
        if self.instance.user:
            self.initial["user"] = self.instance.user.get_username()


@admin.register(Budget)
class BudgetAdmin(BudgetBase):
    form = BudgetForm
    fields = ("whole_site", "group", "user", "daily_limit")
    list_display = ("scope", "limit")
    list_select_related = ("group", "user")
    search_fields = ("group__name", "user__username")

    @admin.display(description="daily limit", ordering="daily_limit")
    def limit(self, budget: Budget) -> str:
        return format_money(budget.daily_limit)


TOKENS = ("tokens_in", "tokens_cached", "tokens_out")


@admin.register(LedgerEntry)
class LedgerEntryAdmin(LedgerBase):
    """Read-only."""

    list_display = ("created_at", "user", "purpose", "stage", "tier", "shown_cost", *TOKENS, "state")
    list_filter = ("state", "purpose", "tier", "day")
    list_select_related = ("user",)
    search_fields = ("generation_id", "user__username")
    date_hierarchy = "day"

    @admin.display(description="cost", ordering="cost")
    def shown_cost(self, entry: LedgerEntry) -> str:
        return f"at most {format_money(entry.reserved)}" if entry.cost is None else format_money(entry.cost)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
