"""Admins and operators edit tiers here. docs/models.md tells what each field does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from conversations.models import Tier

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Tier]
else:
    ModelAdmin = admin.ModelAdmin  # no generic when it runs


@admin.register(Tier)
class TierAdmin(ModelAdmin):
    list_display = ("name", "slug", "order", "model", "server", "price_in", "price_out", "in_use")
    list_select_related = ("server",)
    search_fields = ("name", "slug", "model", "server__name")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "order", "enabled")}),
        ("Model", {"fields": ("server", "model", "context_length")}),
        ("Prices", {"fields": ("price_in", "price_out")}),
        ("Answers", {"fields": ("temperature", "top_p", "max_tokens", "first_token_timeout_s", "silence_timeout_s")}),
        ("Cache", {"fields": ("caches", "cache_across_users")}),
    )

    @admin.display(boolean=True)
    def in_use(self, tier: Tier) -> bool:
        """A disabled server disables its tiers."""
        return tier.enabled and tier.server.enabled
