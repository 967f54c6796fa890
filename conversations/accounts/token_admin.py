"""The admin of API tokens: lists owners and last use, and revokes tokens. Shows no secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from conversations.models import ApiToken

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[ApiToken]
else:
    ModelAdmin = admin.ModelAdmin  # not generic at run time


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    list_display = ("name", "hint", "user", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username", "user__email")
    fields = readonly_fields = ("name", "hint", "user", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        # Only the token's user may see the secret.
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
