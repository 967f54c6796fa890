"""The sidebar's groups: by age, as of the site's time zone."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils import timezone
from django.utils.formats import date_format

from conversations.models import Conversation

LISTED = 300  # at most; older ones are found by searching

Group = tuple[str, list[Conversation]]


def sidebar_groups(user: AbstractBaseUser | AnonymousUser, query: str = "") -> list[Group]:
    """Pinned, Today, Yesterday, …, then months. One query."""
    listed = Conversation.objects.visible_to(user).for_sidebar()
    if query:
        listed = listed.search(query)
    today = timezone.localdate()
    return [(label, list(rows)) for label, rows in groupby(listed[:LISTED], key=lambda row: label_of(row, today))]


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
