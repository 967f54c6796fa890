"""Admins and operators edit tiers here. docs/models.md describes each field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from conversations.models import Tier
from streaming.model_servers.vllm.client import ModelServer

from .listed_models import NOT_ASKED, listed_models, none_listed, not_listed

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Tier]
    ModelForm = forms.ModelForm[Tier]
else:
    ModelAdmin, ModelForm = admin.ModelAdmin, forms.ModelForm  # not generic at run time


class TierForm(ModelForm):
    is_unproved = False  # the server could not be asked

    def _post_clean(self) -> None:
        """When the form is otherwise valid, asks the server whether it lists the model, unless either is disabled."""
        super()._post_clean()  # type: ignore[misc]
        if self.errors or not (self.instance.enabled and self.instance.server.enabled):
            return
        model, server = self.instance.model, self.instance.server
        listed = listed_models(ModelServer(server.url, server.api_key))
        self.is_unproved = listed is None
        if listed == []:
            self.add_error("server", none_listed(server))
        elif listed and model and model not in listed:
            self.add_error("model", not_listed(model, server, listed))


@admin.register(Tier)
class TierAdmin(ModelAdmin):
    form = TierForm
    list_display = ("name", "slug", "order", "model", "server", "price_in", "price_out", "in_use")
    list_select_related = ("server",)
    search_fields = ("name", "slug", "model", "server__name")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "order", "enabled")}),
        ("Model", {"fields": ("server", "model", "context_length")}),
        ("Prices", {"fields": ("price_in", "price_out", "price_cached")}),
        ("Answers", {"fields": ("temperature", "top_p", "max_tokens", "first_token_timeout_s", "silence_timeout_s")}),
        ("Cache", {"fields": ("caches", "cache_across_users")}),
    )

    @admin.display(boolean=True)
    def in_use(self, tier: Tier) -> bool:
        """Disabling a server disables its tiers."""
        return tier.enabled and tier.server.enabled

    def save_model(self, request: HttpRequest, obj: Tier, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.is_unproved:
            messages.warning(request, NOT_ASKED.format(server=obj.server))
