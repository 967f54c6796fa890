"""The chat page, its sidebar, and one message alone."""

from __future__ import annotations

import re
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.models import Conversation
from conversations.models.pipeline import Mode
from conversations.models.tier import offered_tiers

from .groups import LISTED, sidebar_list
from .signed_in import signed_in

MODES = (  # value, what the composer offers, and what it means
    (Mode.AUTO.value, "Auto", "As much as the question needs"),
    (Mode.QUICK.value, "Quick", "One answer, at once"),
    (Mode.BALANCED.value, "Balanced", "A draft at once, then a second look at it"),
    (Mode.DEEP.value, "Deep", "A draft at once, a thorough answer beside it, then the best of both"),
)
LIMIT = re.compile("[1-9][0-9]{0,5}")


@require_safe
@never_cache
@signed_in
def chat(request: HttpRequest, conversation_id: UUID | None = None) -> HttpResponse:
    """A new chat, or a conversation with its shown path. Another user's is 404."""
    conversation = None
    if conversation_id is not None:
        conversation = get_object_or_404(Conversation.objects.visible_to(request.user), pk=conversation_id)
    context = {
        "conversation": conversation,
        "messages_shown": conversation.path() if conversation else [],
        "sidebar": sidebar_list(request.user),
        "message_max_length": settings.MESSAGE_MAX_LENGTH,
        "modes": MODES,
        "tiers": offered_tiers(),
        "default_mode": settings.DEFAULT_MODE,
        "demo": settings.DEMO_MODEL_SERVER,
    }
    return render(request, "chat/page.html", context)


@require_safe
@never_cache
@signed_in
def sidebar(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "").replace("\0", "").strip()[:200]
    limit = request.GET.get("limit", "")
    listed = sidebar_list(request.user, query, int(limit) if LIMIT.fullmatch(limit) else LISTED)
    return render(request, "chat/_sidebar_list.html", {"sidebar": listed})


@require_safe
@never_cache
@signed_in
def message(request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
    """For a page whose log has gone."""
    conversation = get_object_or_404(Conversation.objects.visible_to(request.user), pk=conversation_id)
    found = get_object_or_404(conversation.messages.with_all(), pk=message_id)
    return render(request, "chat/_message.html", {"message": found, "conversation": conversation})
