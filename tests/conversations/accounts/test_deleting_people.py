"""Administrators delete people with all that is theirs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from conversations import events
from conversations.events import Event, StopRequested
from conversations.models import Conversation, Erasure, Review
from tests.conversations.talk import begin, talk

USERS = "/admin/auth/user/"


@pytest.mark.parametrize("by", ["page", "list"])
def test_they_go_with_their_conversations_and_what_is_written_stops(
    by: str,
    as_root: Client,
    alice: User,
    bob: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: pytest.FixtureRequest,
) -> None:
    heard: list[Event] = []
    monkeypatch.setattr(events, "_listeners", [heard.append])
    written, kept = begin(alice), talk(bob)
    written.claim()
    pk, owner = written.pk, alice.pk
    address, form = USERS, {"action": "delete_selected", "_selected_action": owner}
    if by == "page":
        address, form = f"{USERS}{owner}/delete/", {}

    asked = as_root.post(address, form) if by == "list" else as_root.get(address)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        done = as_root.post(address, form | {"post": "yes"})

    assert "Conversations: 1" in asked.content.decode() and done.status_code == 302
    assert not User.objects.filter(pk=owner).exists()
    assert Conversation.objects.get() == kept
    assert Erasure.objects.get().owner_key == owner
    assert StopRequested(pk, owner) in heard


def test_a_reviewers_judgements_stay(as_root: Client, rita: User, conversation: Conversation) -> None:
    conversation.review(rita, "Well said.")

    as_root.post(f"{USERS}{rita.pk}/delete/", {"post": "yes"})

    assert Review.objects.get().reviewer is None
    page = as_root.get(f"/admin/conversations/conversation/{conversation.pk}/change/").content.decode()
    assert "a former reviewer" in page and "Well said." in page
    assert as_root.get("/admin/conversations/review/").status_code == 200


def test_who_may_not_delete_accounts_deletes_none(as_rita: Client, rita: User, alice: User) -> None:
    rita.user_permissions.add(*Permission.objects.filter(codename__in=("view_user", "change_user")))

    assert as_rita.post(f"{USERS}{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=alice.pk).exists()
