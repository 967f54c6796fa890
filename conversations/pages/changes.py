"""Views with which owners change their conversations. They return 204 to fetch requests, and redirect forms."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from conversations.models import Conversation
from conversations.models.chat.asking import ConversationError

from .signed_in import View, signed_in


def change(*, leads_home: bool = False, deleted_too: bool = False) -> Callable[[Callable[..., None]], View]:
    """Make a view of a function: looks up the owner's conversation, and returns a ConversationError as JSON."""

    def decorate(verb: Callable[..., None]) -> View:
        @require_POST
        @signed_in
        @wraps(verb)
        def view(request: HttpRequest, conversation_id: UUID, **kwargs: UUID) -> HttpResponse:
            among = Conversation.objects.owned_by if deleted_too else Conversation.objects.visible_to
            conversation = get_object_or_404(among(request.user), pk=conversation_id)
            try:
                verb(request, conversation, **kwargs)
            except ConversationError as error:
                return JsonResponse({"code": error.code, "message": str(error)}, status=400)
            if request.headers.get("X-Requested-With") == "fetch":
                return HttpResponse(status=204)
            return HttpResponseRedirect(reverse("chat") if leads_home else conversation.get_absolute_url())

        return view

    return decorate


@change()
def rename(request: HttpRequest, conversation: Conversation) -> None:
    conversation.rename(request.POST.get("title", ""))


@change()
def pin(request: HttpRequest, conversation: Conversation) -> None:
    conversation.pin(request.POST.get("pinned") == "1")


@change(leads_home=True)
def delete(request: HttpRequest, conversation: Conversation) -> None:
    conversation.delete_softly()


@change(deleted_too=True)
def restore(request: HttpRequest, conversation: Conversation) -> None:
    conversation.restore()


@change()
def show(request: HttpRequest, conversation: Conversation, message_id: UUID) -> None:
    conversation.show_path_through(message_id)
