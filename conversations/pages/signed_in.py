"""Requires sign-in: redirects pages to the sign-in page, and returns 401 to scripts, which would take that page for
their response.

Shows times in the user's time zone, which the browser sends in a cookie. An unknown zone means the site's.
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
    """Whether a script sent the request. Our scripts send X-Requested-With with changes; browsers send Sec-Fetch-Dest
    with every request."""
    return request.headers.get("X-Requested-With") == "fetch" or request.headers.get("Sec-Fetch-Dest") == "empty"


def zone_of(request: HttpRequest) -> tzinfo:
    name = request.COOKIES.get(ZONE_COOKIE, "")
    return ZoneInfo(name) if name in known_zones() else timezone.get_default_timezone()


known_zones = cache(available_timezones)
