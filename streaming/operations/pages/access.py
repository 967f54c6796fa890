"""Who may see the operators' pages, and who may use their buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponseBase
from django.views.decorators.cache import never_cache

PERMISSION = "conversations.watch_operations"
STEER = "conversations.steer_operations"
V = TypeVar("V", bound=Callable[..., HttpResponseBase])


def for_operators(view: V) -> V:
    """Refuses other users, sends anonymous ones to sign in, and forbids caching."""
    permitted = permission_required(PERMISSION, raise_exception=True)(view)
    return never_cache(login_required(permitted))


def for_steering(view: V) -> V:
    """As ``for_operators``, for views that stop or drain something."""
    return for_operators(permission_required(STEER, raise_exception=True)(view))
