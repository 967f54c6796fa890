"""The operators' page: readable as it comes, then kept fresh by a script that fetches the figures again."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.models.generation import Status

from .figures import SAMPLE, recent
from .figures import overview as overview_of
from .phases import PHASES, WIDTH


@require_safe
@never_cache
@login_required
@permission_required("conversations.watch_operations", raise_exception=True)
def overview(request: HttpRequest) -> HttpResponse:
    return render(request, "ops/page.html", context_of(request))


@require_safe
@never_cache
@login_required
@permission_required("conversations.watch_operations", raise_exception=True)
def figures(request: HttpRequest) -> HttpResponse:
    """What of the page changes."""
    return render(request, "ops/_content.html", context_of(request))


def context_of(request: HttpRequest) -> dict[str, object]:
    wanted = request.GET.get("status", "")
    status = wanted if wanted in Status.values else ""
    return {
        "overview": overview_of(),
        "rows": recent(status),
        "status": status,
        "statuses": Status.choices,
        "bar_width": WIDTH,
        "phases": PHASES,
        "sample": SAMPLE,
    }
