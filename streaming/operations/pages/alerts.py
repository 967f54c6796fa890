"""The operators' page of alerts: open and recent alerts, and the rules."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conversations import site_time
from conversations.accounts.mail import REACHES_NOBODY, mails_reach_nobody
from conversations.models import AlertEpisode, AlertRule
from conversations.models.operations.alert_episode import EpisodeQuerySet

from .access import for_operators
from .fragments import served_as_fragment

ENDED = 50


@require_safe
@for_operators
@served_as_fragment
def alerts(request: HttpRequest) -> HttpResponse:
    """Five queries."""
    context = {
        "live": True,
        "at": site_time.now(),
        "alerts": open_alerts(),
        "ended": AlertEpisode.objects.ended().select_related("rule").prefetch_related("deliveries")[:ENDED],
        "rules": AlertRule.objects.all(),
        "printed": REACHES_NOBODY if mails_reach_nobody() else "",
    }
    return render(request, "operations/alerts.html", context)


def open_alerts() -> EpisodeQuerySet:
    """Two queries."""
    return AlertEpisode.objects.open().select_related("rule").prefetch_related("deliveries")
