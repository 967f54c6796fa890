"""Reviewers read conversations as transcripts, and review them. Nothing else can be changed here.

Each access, search and filtered list is recorded and committed before anything is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.views.main import ERROR_FLAG, IGNORED_PARAMS, PAGE_VAR, SEARCH_VAR
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from conversations.models import AccessLogEntry, Act, Conversation, Generation, Message, Review
from conversations.models.chat.asking import TextTooLong, storable
from conversations.pages.export import FORMATS, download

from .filters import DeletedFilter, ModelFilter, ReviewedFilter, StateFilter

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin  # not generic at run time

admin.site.site_header = admin.site.site_title = "Throughline"
admin.site.index_title = "Administration"

PERMISSION = "conversations.review_conversation"
FOUND = 5000  # most results of a search: the latest used
# As in the sidebar. SQLite refuses patterns and expressions that are too long.
SEARCHED_LENGTH = 200  # characters
# Query parameters of a list that select no rows.
NOT_RECORDED = {*IGNORED_PARAMS, PAGE_VAR, ERROR_FLAG} - {SEARCH_VAR}
LOG_ENTRIES_SHOWN = 20  # on a conversation's page


class ReadOnlyAdmin(ModelAdmin):
    """Read-only for reviewers, and for superusers too: a record that can be changed is no record."""

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
        "reviewed",
        "last_state",
        "length",
        "used_at",
        "answered_by",
        "tokens",
        "deleted",
    )
    list_filter = (ReviewedFilter, StateFilter, ModelFilter, "used_at", DeletedFilter)
    search_fields = ("title", "owner__username", "owner__email")
    search_help_text = (
        "Words of the title or of the texts, or the name or email address of a user. "
        f"Texts of the latest used {settings.SEARCHED_CONVERSATIONS:,} conversations are searched."
    )
    show_full_result_count = False
    list_select_related = ("owner",)
    list_per_page = 50
    ordering = ("-used_at",)

    class Media:
        css = {"all": ["css/review/review.css"]}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        record_list(request)
        return super().changelist_view(request, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        latest = Generation.objects.filter(message__conversation=OuterRef("pk")).order_by("-accepted_at")
        generations = latest.order_by().values("message__conversation")
        messages = Message.objects.filter(conversation=OuterRef("pk")).order_by().values("conversation")
        return Conversation.objects.annotate(
            last_state=Subquery(latest.values("status")[:1]),
            answered_by=Subquery(latest.values("model")[:1]),
            message_count=Subquery(messages.annotate(n=Count("pk")).values("n")),
            tokens=Subquery(generations.annotate(n=Sum("completion_tokens")).values("n")),
            reviewed_at=Subquery(Review.objects.filter(conversation=OuterRef("pk")).values("reviewed_at")[:1]),
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        if not search_term.strip():
            return queryset, False
        by_field, _ = super().get_search_results(request, Conversation.objects.all(), search_term)
        by_text = Conversation.objects.search(search_term)
        either = queryset.filter(Q(pk__in=by_field.values("pk")) | Q(pk__in=by_text.values("pk")))
        # Evaluated once: the page queries rows, their count and their dates, each of which would scan all texts again.
        found = list(either.order_by("-used_at").values_list("pk", flat=True)[:FOUND])
        return queryset.filter(pk__in=found), False

    @admin.display(description="status", ordering="last_state")
    def last_state(self, row: Any) -> str:
        return row.last_state or ""

    @admin.display(description="messages", ordering="message_count")
    def length(self, row: Any) -> int:
        return row.message_count or 0

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
            path("<uuid:pk>/review/", self.admin_site.admin_view(self.review), name="conversation_review"),
            path("<uuid:pk>/news/", self.admin_site.admin_view(self.news), name="conversation_news"),
            path("<uuid:pk>/export/<str:kind>/", self.admin_site.admin_view(self.export), name="conversation_export"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The transcript: the shown path, or the path through the message in ``?through=``."""
        conversation = record_access(request, object_id, Act.READ)
        shown = conversation.path(request.GET.get("through"))
        context = {
            **self.admin_site.each_context(request),
            "title": conversation.title,
            "opts": self.opts,
            "conversation": conversation,
            "messages_shown": shown,
            "hidden": conversation.messages.count() - len(shown),
            "reviews": conversation.reviews.select_related("reviewer"),
            "note_length": settings.MESSAGE_MAX_LENGTH,
            "access_log": conversation.access_log.all()[:LOG_ENTRIES_SHOWN],
        }
        return TemplateResponse(request, "review/conversation.html", context)

    def review(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Store a review with a note."""
        reviewer = reviewer_of(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        note = request.POST.get("note", "").replace("\r\n", "\n").strip()
        try:
            found(pk).review(reviewer, note)
        except TextTooLong as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "Marked as reviewed.")
        return HttpResponseRedirect(reverse("admin:conversations_conversation_change", args=[pk]))

    def news(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The parts of an open page that can change. Shows no text, so it is not recorded as an access."""
        reviewer_of(request)
        conversation = found(pk)
        reviews = conversation.reviews.select_related("reviewer")
        return TemplateResponse(request, "review/_news.html", {"conversation": conversation, "reviews": reviews})

    def export(self, request: HttpRequest, pk: UUID, kind: str) -> HttpResponseBase:
        if kind not in FORMATS:
            raise Http404
        return download([record_access(request, pk, Act.EXPORTED)], kind, f"conversation-{pk}")


def record_access(request: HttpRequest, pk: UUID | str, act: Act) -> Conversation:
    """Record the access, then return the conversation."""
    reviewer = reviewer_of(request)
    conversation = found(pk)
    AccessLogEntry.record(reviewer, act, conversation)
    return conversation


def record_list(request: HttpRequest) -> None:
    """Record the search or the filters; an unfiltered list is not recorded."""
    asked = [f"{k}={v[:SEARCHED_LENGTH]}" for k, v in request.GET.items() if k not in NOT_RECORDED and v]
    # The search words first: the details may be truncated.
    asked.sort(key=lambda one: not one.startswith("q="))
    if asked and request.user.has_perm(PERMISSION):
        act = Act.SEARCHED if asked[0].startswith("q=") else Act.LISTED
        AccessLogEntry.record(reviewer_of(request), act, details=storable(", ".join(asked)))


def found(pk: UUID | str) -> Conversation:
    """The conversation, whoever owns it, even if deleted. Raises Http404."""
    try:
        return Conversation.objects.select_related("owner").get(pk=pk)
    except (Conversation.DoesNotExist, ValidationError) as error:
        raise Http404 from error


def reviewer_of(request: HttpRequest) -> User:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    # Implied by the permission; for mypy.
    assert request.user.is_authenticated
    return request.user


@admin.register(AccessLogEntry)
class AccessLogEntryAdmin(ReadOnlyAdmin):
    list_display = ("accessed_at", "reviewer_name", "act", "which", "owner_name", "details")
    list_filter = ("act", "accessed_at")
    list_select_related = ("conversation",)
    search_fields = ("reviewer_name", "owner_name", "conversation_key", "details")
    search_help_text = (
        "Name of the reviewer or of the conversation's owner, the conversation's id, or what was searched"
    )
    date_hierarchy = "accessed_at"

    @admin.display(description="conversation")
    def which(self, entry: AccessLogEntry) -> str:
        """The conversation's title, or its id once it is erased."""
        return str(entry.conversation or entry.conversation_key or "")


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    list_display = ("reviewed_at", "reviewer", "conversation", "note")
    list_filter = (("reviewer", admin.RelatedOnlyFieldListFilter), "reviewed_at")
    list_select_related = ("reviewer", "conversation")
    search_fields = ("note", "reviewer__username")
