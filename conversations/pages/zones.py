"""The reader's time zone: the browser tells it in a cookie, and what we do not know is the site's."""

from __future__ import annotations

from datetime import tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest
from django.utils import timezone

COOKIE = "timezone"  # static/js/sidebar/day.js sets it

known = cache(available_timezones)


def zone_of(request: HttpRequest) -> tzinfo:
    name = request.COOKIES.get(COOKIE, "")
    return ZoneInfo(name) if name in known() else timezone.get_default_timezone()
