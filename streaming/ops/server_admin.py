"""Admins and operators edit model servers here, and test them. Nobody can see a key, nor search by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from conversations.models import ModelServer as StoredServer
from conversations.models import Tier
from conversations.server_form import ModelServerForm
from streaming.vllm.client import ModelServer

from .listed import NOT_ASKED, listed_models, none_listed
from .server_test import Findings, cut, tested

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[StoredServer]
else:
    ModelAdmin = admin.ModelAdmin  # no generic when it runs

FIELDS = ("name", "url", "enabled", "max_parallel", "streams")
KEY_FIELDS = ("api_key", "remove_key")
HIDDEN = "[key]"


class ListingServerForm(ModelServerForm):
    is_unproved = False  # it could not be asked

    def _post_clean(self) -> None:
        """When all else is right, asks it for its models, unless it is disabled."""
        super()._post_clean()  # type: ignore[misc]
        if self.errors or not self.instance.enabled:
            return
        listed = listed_models(ModelServer(self.instance.url, self.instance.api_key))
        self.is_unproved = listed is None
        if listed == []:
            self.add_error("url", none_listed(self.instance))


@admin.register(StoredServer)
class ModelServerAdmin(ModelAdmin):
    form = ListingServerForm
    change_form_template = "servers/change_form.html"
    list_display = ("name", "url", "enabled", "max_parallel", "streams", "has_key")
    search_fields = ("name", "url")
    readonly_fields = ("has_key",)

    class Media:
        css = {"all": ["css/servers.css"]}

    @admin.display(boolean=True, description="key stored")
    def has_key(self, server: StoredServer) -> bool:
        return bool(server.api_key)

    def get_fieldsets(self, request: HttpRequest, obj: StoredServer | None = None) -> Any:
        """Who may only look gets no field of the key: Django would show its value as text."""
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        key = (KEY_FIELDS if obj and obj.api_key else ("api_key",)) if may_write else ()
        return [(None, {"fields": (*FIELDS, *(("has_key",) if obj else ()), *key)})]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """?api_key__startswith=… would tell a key letter by letter."""
        return not lookup.startswith("api_key") and super().lookup_allowed(lookup, value, request)

    @method_decorator(sensitive_post_parameters(*KEY_FIELDS))
    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(*args, **kwargs)

    def save_model(self, request: HttpRequest, obj: StoredServer, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.is_unproved:
            messages.warning(request, NOT_ASKED.format(server=obj))

    # "Test this server"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.test)
        return [path("<int:pk>/test/", view, name="conversations_modelserver_test"), *super().get_urls()]

    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        """As it is stored, whether enabled or not."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        server = self.get_object(request, str(pk))
        if not self.has_change_permission(request, server):
            raise PermissionDenied
        if server is None:
            raise Http404
        tiers = [tier for tier in server.tiers.filter(enabled=True) if tier.model]
        asked = ModelServer(server.url, server.api_key)
        findings = async_to_sync(tested)(asked, [tier.model for tier in tiers], streams=server.streams)
        for level, sentence in told(server, findings, tiers):
            messages.add_message(request, level, without_key(sentence, server.api_key))
        return HttpResponseRedirect(reverse("admin:conversations_modelserver_change", args=[pk]))


def told(server: StoredServer, findings: Findings, tiers: list[Tier]) -> list[tuple[int, str]]:
    """What the test found, as messages."""
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
    """Some servers quote the key that they refuse."""
    return sentence.replace(key, HIDDEN) if key else sentence
