"""Filters of the conversation list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from conversations.models import Conversation, Generation
from conversations.models.generation.generation import Status

LATEST = 2000  # answers whose model names are listed

Choices = Iterable[tuple[Any, str]]


class GenerationFilter(SimpleListFilter):
    """Conversations with a generation whose ``field`` has the chosen value."""

    field = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        if not self.value():
            return queryset
        having = Generation.objects.filter(message__conversation=OuterRef("pk"), **{self.field: self.value()})
        return queryset.filter(Exists(having))


class StateFilter(GenerationFilter):
    title = "answer status"
    parameter_name = field = "status"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Choices:
        return Status.choices


class ModelFilter(GenerationFilter):
    title = "model"
    parameter_name = field = "model"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Choices:
        """Model names of the latest answers only: reading all answers would take longer than the list itself."""
        latest = Generation.objects.filter(finished_at__isnull=False).order_by("-finished_at")
        names = set(latest.values_list("model", flat=True)[:LATEST]) | {self.value() or ""}
        return [(name, name) for name in sorted(names - {""})]


class DeletedFilter(SimpleListFilter):
    title = "deletion by the owner"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Choices:
        return [("no", "No"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        return queryset.filter(deleted_at__isnull=self.value() == "no") if self.value() else queryset


class ReviewedFilter(SimpleListFilter):
    title = "review"
    parameter_name = "reviewed"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Choices:
        return [("no", "Not yet"), ("yes", "Reviewed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        if not self.value():
            return queryset
        return queryset.filter(reviews__isnull=self.value() == "no").distinct()
