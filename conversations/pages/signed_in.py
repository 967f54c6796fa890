"""Who is not signed in is sent to sign in; a script is told so, since it would take that page for its answer.

Who is signed in reads times as of their own time zone: the browser sends it in a cookie; one that is not known is the
site's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from functools import cache, wraps
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone

View = Callable[..., HttpResponseBase]
ZONE_COOKIE = "timezone"  # static/js/sidebar/day.js sets it
SIGNED_OUT = {"code": "not_signed_in", "message": "You've been signed out. Reload the page to sign in again."}


def signed_in(view: View) -> View:
    for_people = login_required(view)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_fetch(request) and not request.user.is_authenticated:
            return JsonResponse(SIGNED_OUT, status=401)
        with timezone.override(zone_of(request)):
            return for_people(request, *args, **kwargs)

    return guarded


def is_fetch(request: HttpRequest) -> bool:
    """A script asks. Ours say so when they change something; browsers say so always."""
    return request.headers.get("X-Requested-With") == "fetch" or request.headers.get("Sec-Fetch-Dest") == "empty"


def zone_of(request: HttpRequest) -> tzinfo:
    name = request.COOKIES.get(ZONE_COOKIE, "")
    return ZoneInfo(name) if name in known_zones() else timezone.get_default_timezone()


known_zones = cache(available_timezones)
