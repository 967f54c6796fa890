"""The number of open alerts."""

from __future__ import annotations

from django import template

from conversations.models import AlertEpisode

register = template.Library()


@register.simple_tag
def open_alerts() -> int:
    """One query."""
    return AlertEpisode.objects.open().count()
