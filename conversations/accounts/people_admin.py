"""The user admin. Deleting an account deletes all of that user's data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from conversations.models import AccountDeletion, Conversation

if TYPE_CHECKING:
    Base = UserAdmin[User]
else:
    Base = UserAdmin  # not generic at run time

admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(Base):
    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).filter(accountdeletion=None)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        AccountDeletion.begin(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset:
            AccountDeletion.begin(person)

    def get_deleted_objects(
        self, objs: Iterable[User], request: HttpRequest
    ) -> tuple[list[str], Any, set[str], list[str]]:
        """Return counts only. Django would list each message, and would refuse because nobody has permission to delete
        other people's conversations."""
        people = list(objs)
        counts = {"users": len(people), "conversations": Conversation.objects.filter(owner__in=people).count()}
        return [str(person) for person in people], counts, set(), []
