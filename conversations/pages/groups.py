"""The sidebar's groups, by age in the reader's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils import timezone
from django.utils.formats import date_format

from conversations.models import Conversation

LISTED = 100  # conversations at first, and as many more each time older ones are requested

Group = tuple[str, list[Conversation]]


@dataclass(frozen=True)
class SidebarList:
    """The sidebar's content, grouped as Pinned, Today, Yesterday, …, then months."""

    groups: list[Group]
    query: str
    next_limit: int | None  # to request older ones; None if there are none


def sidebar_list(user: AbstractBaseUser | AnonymousUser, query: str = "", limit: int = LISTED) -> SidebarList:
    """One query."""
    listed = Conversation.objects.visible_to(user).for_sidebar()
    if query:
        listed = listed.search(query)
    rows = list(listed[: limit + 1])
    today = timezone.localdate()
    groups = groupby(rows[:limit], key=lambda row: label_of(row, today))
    next_limit = limit + LISTED if len(rows) > limit else None
    return SidebarList([(label, list(members)) for label, members in groups], query, next_limit)


def label_of(conversation: Conversation, today: date) -> str:
    if conversation.pinned_at:
        return "Pinned"
    day = timezone.localtime(conversation.used_at).date()
    age = today - day
    if age <= timedelta(0):
        return "Today"
    if age == timedelta(days=1):
        return "Yesterday"
    if age <= timedelta(days=7):
        return "Previous 7 days"
    if age <= timedelta(days=30):
        return "Previous 30 days"
    return date_format(day, "F Y")
