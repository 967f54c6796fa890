"""The drain buttons of the model servers' page. A drained server gets no new requests."""

from __future__ import annotations

import logging

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from redis.exceptions import RedisError

from streaming.coordination.redis_clients import open_sync_client
from streaming.model_servers.drains import drain, undrain
from streaming.operations.measurements.live import live

from .access import for_steering

logger = logging.getLogger(__name__)


@require_POST
@for_steering
def change_drain(request: HttpRequest) -> HttpResponse:
    """Takes effect in the workers within a second or two."""
    is_drain = "drain" in request.POST
    name = request.POST.get("drain" if is_drain else "undrain", "")
    now = live()
    if now.redis is not None and name not in {state.name for state in now.servers}:
        raise Http404("There is no such model server.")
    try:
        with open_sync_client() as redis:
            changed = drain(redis, name, request.user.get_username()) if is_drain else undrain(redis, name)
    except (RedisError, OSError):
        messages.error(request, "Redis does not answer: nothing was changed. Try again in a moment.")
    else:
        if changed:
            record(request, name, "Drained: no new requests." if is_drain else "Undrained: new requests again.")
        messages.success(request, f"{name} {'gets no new requests' if is_drain else 'gets new requests again'}.")
    return HttpResponseRedirect(reverse("ops-servers"))


def record(request: HttpRequest, name: str, what: str) -> None:
    """Into the admin's log. A server from the environment has no row, so the entry names it by its key."""
    logger.info("user %s: %s %s", request.user.pk, name, what)
    assert request.user.pk is not None  # ensured by for_steering
    LogEntry.objects.create(
        user_id=request.user.pk, action_flag=CHANGE, object_id=name, object_repr=name[:200], change_message=what
    )
