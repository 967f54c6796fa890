"""Operators set the rules of alerts here, try them, and read what became of the messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from conversations.alert_form import AlertRuleForm
from conversations.models import AlertDelivery, AlertEpisode, AlertRule
from conversations.models.alert_delivery import PRINTED, Way, mails_are_printed

from .delivery import send
from .message import trial_message
from .webhook import NotDelivered

if TYPE_CHECKING:
    RuleBase = admin.ModelAdmin[AlertRule]
    EpisodeBase = admin.ModelAdmin[AlertEpisode]
    DeliveryBase = admin.ModelAdmin[AlertDelivery]
else:  # no generics when it runs
    RuleBase = EpisodeBase = DeliveryBase = admin.ModelAdmin

CONDITION = ("name", "figure", "comparison", "threshold", "minutes", "severity", "enabled")
SECRET_FIELDS = ("webhook_secret", "remove_secret")
NOBODY = "Empty, both: the alert is shown on the operators' pages only."


@admin.register(AlertRule)
class AlertRuleAdmin(RuleBase):
    form = AlertRuleForm
    change_form_template = "alerts/change_form.html"
    list_display = ("name", "condition", "severity", "enabled", "told")
    list_filter = ("enabled", "severity")
    search_fields = ("name",)
    readonly_fields = ("has_secret",)

    class Media:
        css = {"all": ["css/servers.css"]}

    @admin.display(description="told by")
    def told(self, rule: AlertRule) -> str:
        return ", ".join(way.told for way in rule.ways) or "the operators' pages only"

    @admin.display(boolean=True, description="secret stored")
    def has_secret(self, rule: AlertRule) -> bool:
        return bool(rule.webhook_secret)

    def get_fieldsets(self, request: HttpRequest, obj: AlertRule | None = None) -> Any:
        """Who may only look gets no field of the secret: Django would show its value as text."""
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        secret = (SECRET_FIELDS if obj and obj.webhook_secret else ("webhook_secret",)) if may_write else ()
        told = ("emails", "webhook_url", *(("has_secret",) if obj else ()), *secret)
        said = f"{NOBODY} {PRINTED}" if mails_are_printed() else NOBODY
        return [(None, {"fields": CONDITION}), ("Who is told", {"fields": told, "description": said})]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """?webhook_secret__startswith=… would tell it letter by letter."""
        return not lookup.startswith("webhook_secret") and super().lookup_allowed(lookup, value, request)

    @method_decorator(sensitive_post_parameters(*SECRET_FIELDS))
    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(*args, **kwargs)

    # "Send a test"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.test)
        return [path("<int:pk>/test/", view, name="conversations_alertrule_test"), *super().get_urls()]

    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        """To whom the stored rule tells, whether enabled or not."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        rule = self.get_object(request, str(pk))
        if not self.has_change_permission(request, rule):
            raise PermissionDenied
        if rule is None:
            raise Http404
        for level, sentence in tried(rule):
            messages.add_message(request, level, sentence)
        return HttpResponseRedirect(reverse("admin:conversations_alertrule_change", args=[pk]))


def tried(rule: AlertRule) -> list[tuple[int, str]]:
    """What came of it, as messages."""
    if not rule.ways:
        return [(messages.WARNING, "Nobody to send it to: this alert is shown on the operators' pages only.")]
    return [line for way in rule.ways for line in tried_by(rule, way)]


def tried_by(rule: AlertRule, way: Way) -> list[tuple[int, str]]:
    try:
        send(rule, way, trial_message(rule))
    except NotDelivered as error:
        return [(messages.ERROR, f"The test by {way.label} failed. {error}")]
    whom = ", ".join(rule.recipients) if way is Way.EMAIL else "the webhook, which answered that it took it"
    return [(messages.SUCCESS, f"A test was sent to {whom}.")]


class OnlyRead:
    """Nobody writes here but the site."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AlertEpisode)
class AlertEpisodeAdmin(OnlyRead, EpisodeBase):
    list_display = ("__str__", "sentence", "began_at", "raised_at", "ended_at", "worst")
    list_filter = ("rule",)
    list_select_related = ("rule",)
    date_hierarchy = "began_at"


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(OnlyRead, DeliveryBase):
    list_display = ("episode", "kind", "way", "made_at", "sent_at", "tries", "next_try_at", "last_error")
    list_filter = ("way", "kind")
    list_select_related = ("episode__rule",)
