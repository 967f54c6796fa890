"""Messages as HTML: rendered once, remembered in the cache by what they were made from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django import template
from django.core.cache import cache
from django.utils.safestring import SafeString, mark_safe

from conversations.models import Generation, Message
from conversations.models.generation import moments
from conversations.rendering import RENDERER_VERSION, render_blocks

register = template.Library()


@register.simple_tag
def blocks_of(message: Message) -> list[SafeString]:
    """The top-level blocks of its text; none while it is being written, since the page gets them by its socket."""
    if message.state in ("queued", "streaming"):
        return []
    return [mark_safe(html) for html in rendered(message.text)]


def rendered(text: str) -> list[str]:
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    key = f"blocks:{RENDERER_VERSION}:{digest}"
    found: list[str] | None = cache.get(key)
    if found is None:
        found = render_blocks(text)
        cache.set(key, found)
    return found


@dataclass(frozen=True)
class Moment:
    name: str
    at: datetime
    after_s: float  # since it was accepted


@register.simple_tag
def moments_of(generation: Generation) -> list[Moment]:
    accepted = generation.accepted_at
    return [
        Moment(name.replace("_", " ").capitalize(), at, (at - accepted).total_seconds())
        for name, at in moments(generation)
    ]
