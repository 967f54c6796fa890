"""Lists the modules that a page's script imports, so that the browser fetches them in parallel."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django import template
from django.conf import settings

register = template.Library()

MODULES = Path(settings.BASE_DIR) / "static/js"
IMPORT = re.compile(r'^(?:import|export) .*"(\.{1,2}/.+?)";$', re.MULTILINE)


@register.simple_tag
@cache
def modules_of(entry: str) -> list[str]:
    """Paths below ``static/`` of all modules imported by ``entry``, without itself."""
    found: set[Path] = set()
    unread = [MODULES / entry]
    while unread:
        module = unread.pop()
        fresh = {(module.parent / name).resolve() for name in IMPORT.findall(module.read_text())} - found
        found |= fresh
        unread += fresh
    return sorted(f"js/{module.relative_to(MODULES)}" for module in found)
