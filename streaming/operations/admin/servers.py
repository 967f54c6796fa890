"""Admins and operators edit and test model servers here. Nobody can see a key or search by it."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.http import HttpRequest

from conversations.catalog.server_form import ModelServerForm
from conversations.models import ModelServer as StoredServer
from conversations.models import Tier
from streaming.model_servers.vllm.client import ModelServer

from .listed_models import NOT_ASKED, listed_models, none_listed
from .secrets import Said, SecretAdmin, is_stored
from .server_test import Findings, cut, try_server

FIELDS = ("name", "url", "enabled", "max_parallel", "streams")
HIDDEN = "[key]"


class ListingServerForm(ModelServerForm):
    is_unproved = False  # the server could not be asked

    def _post_clean(self) -> None:
        """When the form is otherwise valid, asks the server for its models, unless it is disabled."""
        super()._post_clean()  # type: ignore[misc]
        if self.errors or not self.instance.enabled:
            return
        listed = listed_models(ModelServer(self.instance.url, self.instance.api_key))
        self.is_unproved = listed is None
        if listed == []:
            self.add_error("url", none_listed(self.instance))


@admin.register(StoredServer)
class ModelServerAdmin(SecretAdmin):
    form = ListingServerForm
    button, button_title = "Test this server", "With the values as they are stored; takes up to ten seconds"
    list_display = ("name", "url", "enabled", "max_parallel", "streams", "has_key")
    search_fields = ("name", "url")
    readonly_fields = ("has_key",)
    has_key = is_stored("api_key", "key stored")

    def get_fieldsets(self, request: HttpRequest, obj: StoredServer | None = None) -> Any:
        key = (*(("has_key",) if obj else ()), *self.secret_fields(request, obj))
        return [(None, {"fields": (*FIELDS, *key)})]

    def save_model(self, request: HttpRequest, obj: StoredServer, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.is_unproved:
            messages.warning(request, NOT_ASKED.format(server=obj))

    def tried(self, row: StoredServer) -> Said:
        tiers = [tier for tier in row.tiers.filter(enabled=True) if tier.model]
        asked = ModelServer(row.url, row.api_key)
        findings = async_to_sync(try_server)(asked, [tier.model for tier in tiers], streams=row.streams)
        for level, sentence in messages_of(row, findings, tiers):
            yield level, without_key(sentence, row.api_key)


def messages_of(server: StoredServer, findings: Findings, tiers: list[Tier]) -> list[tuple[int, str]]:
    """The findings as messages."""
    listed = {model.id for model in findings.models}
    lines = [(messages.INFO, findings.facts)] if findings.facts else []
    if findings.error:
        return [(messages.ERROR, f"“{server}” does not work. {findings.error}"), *lines]
    what = "first token" if server.streams else "answer"
    works = f"“{server}” works: the {what} of {cut(findings.asked)} came after {findings.first_token_s:.2f} s."
    missing = [
        f"The tier “{tier}” wants {tier.model}, which “{server}” does not list."
        for tier in tiers
        if tier.model not in listed
    ]
    return [(messages.SUCCESS, works), *lines, *((messages.WARNING, sentence) for sentence in missing)]


def without_key(sentence: str, key: str) -> str:
    """Some servers quote a key that they refuse."""
    return sentence.replace(key, HIDDEN) if key else sentence
