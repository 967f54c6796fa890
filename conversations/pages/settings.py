"""A user's own page: account, data, and the way out with everything."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from conversations.export import as_json, as_markdown
from conversations.models import Conversation

FORMATS = {"json": (as_json, "application/json"), "markdown": (as_markdown, "text/markdown; charset=utf-8")}
ENDINGS = {"json": "json", "markdown": "md"}


@require_safe
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    count = Conversation.objects.visible_to(request.user).count()
    return render(request, "settings/page.html", {"count": count})


@require_safe
@login_required
def export(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    """Everything of the user's, one conversation after the other."""
    write, content_type = FORMATS[kind]
    mine = Conversation.objects.visible_to(request.user).order_by("created_at")
    response = StreamingHttpResponse(write(mine.iterator(chunk_size=50)), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="throughline.{ENDINGS[kind]}"'
    return response


@require_POST
@login_required
def delete_all(request: HttpRequest) -> HttpResponse:
    """Softly, as one by one; asks for the word first."""
    if request.POST.get("confirm", "").strip().lower() != "delete":
        messages.error(request, "Nothing was deleted: type the word “delete” to confirm.")
        return HttpResponseRedirect(reverse("settings"))
    mine = list(Conversation.objects.visible_to(request.user))
    for conversation in mine:
        conversation.delete_softly()
    messages.success(request, f"{len(mine)} conversations were deleted.")
    return HttpResponseRedirect(reverse("settings"))
