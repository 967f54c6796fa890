"""A short URL that redirects to the review."""

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse


@login_required
@permission_required("conversations.review_conversation", raise_exception=True)
def review(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:conversations_conversation_changelist"))
