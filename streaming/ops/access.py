"""Who may see the operators' pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponseBase
from django.views.decorators.cache import never_cache

PERMISSION = "conversations.watch_operations"
V = TypeVar("V", bound=Callable[..., HttpResponseBase])


def for_operators(view: V) -> V:
    """Others are refused, strangers sent to sign in; nobody keeps a copy."""
    permitted = permission_required(PERMISSION, raise_exception=True)(view)
    return never_cache(login_required(permitted))
