"""Reviewers read conversations as transcripts, and judge them. Nothing else can be changed here.

Each look is recorded before anything is shown, in the transaction of the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from conversations.export import as_json, as_markdown
from conversations.models import Conversation, Generation, Look, Review
from conversations.models.message import mark_siblings

from .filters import ModelFilter, ReviewedFilter, StateFilter

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin  # no generic when it runs

admin.site.site_header = admin.site.site_title = "Throughline"
admin.site.index_title = "Administration"

PERMISSION = "conversations.review_conversation"
EXPORTS = {"json": (as_json, "application/json"), "md": (as_markdown, "text/markdown; charset=utf-8")}


class ReadOnlyAdmin(ModelAdmin):
    """For reviewers to read; superusers too, since a record that can be changed is none."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(PERMISSION)

    has_module_permission = has_view_permission  # type: ignore[assignment]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = (
        "title",
        "owner",
        "answers",
        "last_state",
        "answered_by",
        "tokens",
        "reviewed",
        "deleted",
        "used_at",
    )
    list_filter = (ReviewedFilter, StateFilter, ModelFilter, "used_at", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("title", "owner__username", "owner__email")
    search_help_text = "Words of the title or of the texts, or the name or e-mail address of a user"
    date_hierarchy = "used_at"
    list_select_related = ("owner",)
    list_per_page = 50
    ordering = ("-used_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        latest = Generation.objects.filter(message__conversation=OuterRef("pk")).order_by("-accepted_at")
        generations = Generation.objects.filter(message__conversation=OuterRef("pk")).order_by()
        per_conversation = generations.values("message__conversation")
        return Conversation.objects.annotate(
            last_state=Subquery(latest.values("status")[:1]),
            answered_by=Subquery(latest.values("model")[:1]),
            answers=Subquery(per_conversation.annotate(n=Count("pk")).values("n")),
            tokens=Subquery(per_conversation.annotate(n=Sum("completion_tokens")).values("n")),
            reviewed_at=Subquery(Review.objects.filter(conversation=OuterRef("pk")).values("reviewed_at")[:1]),
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        by_field, _ = super().get_search_results(request, queryset, search_term)
        if not search_term:
            return by_field, False
        in_texts = Conversation.objects.search(search_term)
        found = by_field.values("pk").union(in_texts.values("pk"))
        return queryset.filter(pk__in=[row["pk"] for row in found[:5000]]), False

    @admin.display(ordering="last_state")
    def last_state(self, row: Any) -> str:
        return row.last_state or ""

    @admin.display(ordering="answers")
    def answers(self, row: Any) -> int:
        return row.answers or 0

    @admin.display(ordering="tokens")
    def tokens(self, row: Any) -> str:
        return "" if row.tokens is None else str(row.tokens)

    @admin.display(description="model", ordering="answered_by")
    def answered_by(self, row: Any) -> str:
        return row.answered_by or ""

    @admin.display(boolean=True, ordering="reviewed_at")
    def reviewed(self, row: Any) -> bool:
        return row.reviewed_at is not None

    @admin.display(description="deleted", ordering="deleted_at")
    def deleted(self, row: Conversation) -> str:
        return f"{row.deleted_at:%Y-%m-%d}" if row.deleted_at else ""

    # One conversation

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("<uuid:pk>/review/", self.admin_site.admin_view(self.judge), name="conversation_judge"),
            path("<uuid:pk>/export.<str:kind>", self.admin_site.admin_view(self.export), name="conversation_export"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The transcript: the shown path, or the one through the message that ``?through=`` names."""
        conversation = self._look(request, object_id)
        everything = list(conversation.messages.with_all())
        shown = conversation.path(request.GET.get("through"))
        mark_siblings(shown, everything)
        context = {
            **self.admin_site.each_context(request),
            "title": conversation.title,
            "opts": self.opts,
            "conversation": conversation,
            "messages_shown": shown,
            "hidden": len(everything) - len(shown),
            "reviews": conversation.reviews.select_related("reviewer"),
            "looks": conversation.looks.select_related("reviewer")[:20],
            "readonly": True,
        }
        return TemplateResponse(request, "review/conversation.html", context)

    def judge(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Mark as reviewed, with a note."""
        if not request.user.has_perm(PERMISSION) or request.method != "POST":
            raise PermissionDenied
        assert request.user.is_authenticated  # who has a permission is
        conversation = get_object_or_404(Conversation, pk=pk)
        conversation.reviews.create(reviewer=request.user, note=request.POST.get("note", "").replace("\0", ""))
        messages.success(request, "Marked as reviewed.")
        return HttpResponseRedirect(reverse("admin:conversations_conversation_change", args=[pk]))

    def export(self, request: HttpRequest, pk: str, kind: str) -> HttpResponse | StreamingHttpResponse:
        """Counts as a look."""
        conversation = self._look(request, pk)
        if kind not in EXPORTS:
            raise PermissionDenied
        write, content_type = EXPORTS[kind]
        response = StreamingHttpResponse(write([conversation]), content_type=content_type)
        response["Content-Disposition"] = f'attachment; filename="conversation-{pk}.{kind}"'
        return response

    @transaction.atomic
    def _look(self, request: HttpRequest, pk: str) -> Conversation:
        """The conversation, after the look at it was recorded."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        assert request.user.is_authenticated  # who has a permission is
        conversation = get_object_or_404(Conversation.objects.select_related("owner"), pk=pk)
        conversation.looks.create(reviewer=request.user)
        return conversation


@admin.register(Look)
class LookAdmin(ReadOnlyAdmin):
    list_display = ("looked_at", "reviewer", "conversation")
    list_filter = ("reviewer", "looked_at")
    list_select_related = ("reviewer", "conversation")
    date_hierarchy = "looked_at"


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    list_display = ("reviewed_at", "reviewer", "conversation", "note")
    list_filter = ("reviewer", "reviewed_at")
    list_select_related = ("reviewer", "conversation")
    search_fields = ("note",)
