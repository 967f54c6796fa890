"""A user's own page: account, data, and the way out with everything."""

from __future__ import annotations

from django.conf import settings as site
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from conversations.export import download
from conversations.models import Conversation

from .signed_in import signed_in


@require_safe
@never_cache
@signed_in
def settings(request: HttpRequest) -> HttpResponse:
    count = Conversation.objects.visible_to(request.user).count()
    return render(request, "settings/page.html", {"count": count, "kept_days": site.DELETED_KEPT_DAYS})


@require_safe
@signed_in
def export(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    """Everything of the user's, one conversation after the other."""
    mine = Conversation.objects.visible_to(request.user).order_by("created_at")
    return download(mine.iterator(chunk_size=50), kind, "throughline")


@require_POST
@signed_in
def delete_all(request: HttpRequest) -> HttpResponse:
    """Softly, as one by one; asks for the word first."""
    if request.POST.get("confirm", "").strip().lower() == "delete":
        count = Conversation.objects.visible_to(request.user).delete_softly()
        messages.success(request, f"{count} conversation{'' if count == 1 else 's'} deleted.")
    else:
        messages.error(request, "Nothing was deleted: type the word “delete” to confirm.")
    return HttpResponseRedirect(reverse("settings"))
