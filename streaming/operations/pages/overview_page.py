"""The operators' first page: readable as it comes, then kept fresh by a socket that tells what has changed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from streaming.operations.measurements.answers import SAMPLE

from .access import for_operators
from .alerts import open_alerts
from .overview import overview as overview_of


@require_safe
@for_operators
def overview(request: HttpRequest) -> HttpResponse:
    context = {"live": True, "overview": overview_of(), "alerts": open_alerts(), "sample": SAMPLE}
    return render(request, "operations/page.html", context)
