"""The admin of alerts: operators set rules, send test messages, and see what was delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import HttpRequest

from conversations.accounts.mail import REACHES_NOBODY, mails_reach_nobody
from conversations.catalog.alert_form import AlertRuleForm
from conversations.models import AlertDelivery, AlertEpisode, AlertRule
from conversations.models.operations.alert_delivery import Way
from streaming.operations.alerts.delivery import send
from streaming.operations.alerts.message import trial_message
from streaming.operations.alerts.webhook import NotDelivered

from .secrets import Said, SecretAdmin, is_stored

if TYPE_CHECKING:
    EpisodeBase = admin.ModelAdmin[AlertEpisode]
    DeliveryBase = admin.ModelAdmin[AlertDelivery]
else:  # not generic at run time
    EpisodeBase = DeliveryBase = admin.ModelAdmin

CONDITION = ("name", "figure", "comparison", "threshold", "minutes", "severity", "enabled")
NOBODY = "Empty, both: the alert is shown on the operators' pages only."


@admin.register(AlertRule)
class AlertRuleAdmin(SecretAdmin):
    form = AlertRuleForm
    button, button_title = "Send a test", "To those whom the stored rule notifies"
    list_display = ("name", "condition", "severity", "enabled", "channels")
    list_filter = ("enabled", "severity")
    search_fields = ("name",)
    readonly_fields = ("has_secret",)
    has_secret = is_stored("webhook_secret", "secret stored")

    @admin.display(description="notify via")
    def channels(self, rule: AlertRule) -> str:
        return ", ".join(way.description for way in rule.ways) or "the operators' pages only"

    def get_fieldsets(self, request: HttpRequest, obj: AlertRule | None = None) -> Any:
        secret = (*(("has_secret",) if obj else ()), *self.secret_fields(request, obj))
        whom = {
            "fields": ("emails", "webhook_url", *secret),
            "description": f"{NOBODY} {REACHES_NOBODY}" if mails_reach_nobody() else NOBODY,
        }
        return [(None, {"fields": CONDITION}), ("Notify", whom)]

    def tried(self, row: AlertRule) -> Said:
        return send_test(row)


def send_test(rule: AlertRule) -> list[tuple[int, str]]:
    """The outcome, as messages."""
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
    """Rows that only the site itself writes."""

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
