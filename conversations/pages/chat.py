"""The chat page, its sidebar, and single messages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.models import Conversation
from conversations.models.catalog.pipeline import LEVEL_OF, Mode, PipelineStage, alone
from conversations.models.catalog.tier import is_one_model, offered_tiers

from .groups import LISTED, sidebar_list
from .signed_in import signed_in

# Value, label in the composer, explanation.
MODES = (
    (Mode.AUTO.value, "Auto", "As much as the question needs"),
    (Mode.QUICK.value, "Quick", "One answer, right away"),
    (Mode.BALANCED.value, "Balanced", "A quick draft, then a revision"),
    (Mode.DEEP.value, "Deep", "A quick draft and a thorough answer, then the best of both"),
)
MODES_OF_ONE_STAGE = (
    (Mode.AUTO.value, "Auto", "As much as the question needs"),
    (Mode.QUICK.value, "Quick", "Short and to the point"),
    (Mode.BALANCED.value, "Balanced", "In between"),
    (Mode.DEEP.value, "Deep", "A thorough answer"),
)
LIMIT = re.compile("[1-9][0-9]{0,5}")


@require_safe
@never_cache
@signed_in
def chat(request: HttpRequest, conversation_id: UUID | None = None) -> HttpResponse:
    """A new chat, or a conversation with its shown path. 404 for another user's conversation."""
    conversation = None
    if conversation_id is not None:
        conversation = get_object_or_404(Conversation.objects.visible_to(request.user), pk=conversation_id)
    modes, default = offered_modes(), settings.DEFAULT_MODE
    values = [mode for mode, *_ in modes]
    context = {
        "conversation": conversation,
        "messages_shown": conversation.path() if conversation else [],
        "sidebar": sidebar_list(request.user),
        "message_max_length": settings.MESSAGE_MAX_LENGTH,
        "modes": modes,
        "tiers": offered_tiers(),
        "default_mode": default if default in values else Mode.QUICK.value,
        "demo": settings.DEMO_MODEL_SERVER,
    }
    return render(request, "chat/page.html", context)


def offered_modes() -> Sequence[tuple[str, str, str]]:
    """The modes that make a difference; empty if none does. At most two queries.

    With a single model an answer has one stage. Of modes with the same stage, only the quickest is offered.
    """
    if settings.STAGES_WITH_ONE_MODEL or not is_one_model():
        return MODES
    uses = PipelineStage.objects.filter(stage__enabled=True, stage__domains=[]).select_related("pipeline")
    by_level: dict[str, list[PipelineStage]] = defaultdict(list)
    for use in uses:
        by_level[use.pipeline.level].append(use)
    stages = {mode: [use.stage_id for use in alone(by_level[level])] for mode, level in LEVEL_OF.items()}
    different = {str(stage): mode.value for mode, stage in reversed(stages.items())}.values()
    kept = {Mode.AUTO.value, *different}
    return [mode for mode in MODES_OF_ONE_STAGE if mode[0] in kept] if len(different) > 1 else []


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
    """One message as HTML, for a page whose stream log no longer exists."""
    conversation = get_object_or_404(Conversation.objects.visible_to(request.user), pk=conversation_id)
    found = get_object_or_404(conversation.messages.with_all(), pk=message_id)
    return render(request, "chat/message/_message.html", {"message": found, "conversation": conversation})
