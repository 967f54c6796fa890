"""The user's settings page: account, API tokens, export and deletion of data."""

from __future__ import annotations

from django.conf import settings as site
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from conversations.models import ApiToken, Conversation
from conversations.models.billing.budget import SITE, Limits, next_day_begins, scope_of, today
from conversations.models.chat.api_token import NAME_LENGTH
from conversations.models.chat.asking import ConversationError

from .export import download, one_by_one
from .signed_in import signed_in


@require_safe
@never_cache
@signed_in
def settings(request: HttpRequest) -> HttpResponse:
    return settings_page(request)


@require_POST
@never_cache
@signed_in
def make_token(request: HttpRequest) -> HttpResponse:
    """Render the page instead of redirecting: the secret it shows must not be stored anywhere."""
    assert request.user.is_authenticated
    try:
        token, secret = ApiToken.make(request.user, request.POST.get("name", ""))
    except ConversationError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("settings"))
    return settings_page(request, made=token, secret=secret)


@require_POST
@signed_in
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(ApiToken.objects.owned_by(request.user), pk=token_id)
    token.delete()
    messages.success(request, f"Token “{token.name}” revoked. Programs that use it are refused from now on.")
    return HttpResponseRedirect(reverse("settings"))


@require_safe
@signed_in
def export(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    """All of the user's conversations."""
    conversations = Conversation.objects.visible_to(request.user).order_by("created_at")
    return download(one_by_one(conversations), kind, "throughline")


@require_POST
@signed_in
def delete_all(request: HttpRequest) -> HttpResponse:
    """Delete all conversations softly, if the user typed “delete”."""
    if request.POST.get("confirm", "").strip().lower() == "delete":
        count = Conversation.objects.visible_to(request.user).delete_softly()
        messages.success(request, f"{count} conversation{'' if count == 1 else 's'} deleted.")
    else:
        messages.error(request, "Nothing was deleted. Type “delete” to confirm.")
    return HttpResponseRedirect(reverse("settings"))


def use_of_today(user_id: int) -> dict[str, object]:
    limits, day = Limits.of(user_id), today()
    used = limits.used(day)
    used_by_user = used[scope_of(user_id)]
    return {
        "used": used_by_user,
        "limit": limits.own,
        "used_percent": min(round(100 * used_by_user / limits.own), 100) if limits.own else 0,
        "site_is_used_up": limits.site is not None and used[SITE] >= limits.site,
        "next_day": next_day_begins(),
    }


def settings_page(request: HttpRequest, made: ApiToken | None = None, secret: str = "") -> HttpResponse:
    """``secret`` belongs to ``made``, the token that this request created."""
    assert request.user.is_authenticated
    context = {
        "count": Conversation.objects.visible_to(request.user).count(),
        "kept_days": site.DELETED_KEPT_DAYS,
        "tokens": ApiToken.objects.owned_by(request.user),
        "token_name_length": NAME_LENGTH,
        **use_of_today(request.user.pk),
        "made": made,
        "secret": secret,
    }
    return render(request, "settings/page.html", context)
