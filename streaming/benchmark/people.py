"""Benchmark users: signed in through the database, and deleted afterwards with their conversations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet

from conversations.models import Conversation

PREFIX = "benchmark-"


@contextmanager
def signed_in(number: int) -> Iterator[list[str]]:
    """Yields the session keys of ``number`` new users."""
    forget([])  # leftovers of a killed run
    User.objects.bulk_create(User(username=f"{PREFIX}{n}", password="!") for n in range(number))
    with transaction.atomic():
        sessions = [session_of(user) for user in users().order_by("pk")]
    try:
        yield sessions
    finally:
        forget(sessions)


def users() -> QuerySet[User]:
    return User.objects.filter(username__startswith=PREFIX)


def session_of(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def forget(sessions: list[str]) -> None:
    Conversation.objects.filter(owner__in=users()).purge()
    with transaction.atomic():
        Session.objects.filter(session_key__in=sessions).delete()
        users().delete()
