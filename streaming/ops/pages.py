"""The operators' first page: readable as it comes, then kept fresh by a script that asks for it again."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conversations.models.generation import Status
from conversations.models.phases import PHASES

from .access import for_operators
from .figures import SAMPLE, recent
from .figures import overview as overview_of
from .phases import WIDTH


@require_safe
@for_operators
def overview(request: HttpRequest) -> HttpResponse:
    return render(request, "ops/page.html", context_of(request))


def context_of(request: HttpRequest) -> dict[str, object]:
    wanted = request.GET.get("status", "")
    status = wanted if wanted in Status.values else ""
    return {
        "live": True,
        "overview": overview_of(),
        "rows": recent(status),
        "status": status,
        "statuses": Status.choices,
        "bar_width": WIDTH,
        "phases": PHASES,
        "sample": SAMPLE,
    }
