"""Messages as HTML: rendered once, remembered in the cache by what they were made from."""

from __future__ import annotations

import hashlib
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


@register.simple_tag
def moments_of(generation: Generation) -> list[tuple[str, datetime]]:
    return moments(generation)
