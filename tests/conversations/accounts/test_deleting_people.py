"""Administrators delete people with all that is theirs: they are out at once, and what is theirs goes bit by bit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from conversations import events
from conversations.events import AccountClosed, Event, StopRequested
from conversations.models import AccountDeletion, ApiToken, Conversation, Erasure, Review
from conversations.models.chat import conversation as model
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
    assert {StopRequested(pk, owner), AccountClosed(owner)} <= set(heard)
    assert AccountDeletion.objects.all().finish(within_s=60) == 1
    assert not User.objects.filter(pk=owner).exists()
    assert Conversation.objects.get() == kept
    assert Erasure.objects.get().owner_key == owner


def test_who_is_deleted_is_out_at_once(as_root: Client, as_alice: Client, alice: User) -> None:
    hidden = talk(alice)
    _, secret = ApiToken.make(alice, "a program")

    as_root.post(f"{USERS}{alice.pk}/delete/", {"post": "yes"})

    assert as_alice.get("/settings/").status_code == 302
    assert not Client().login(username="alice", password="secret")
    assert ApiToken.objects.with_secret(secret) is None
    assert not Conversation.objects.visible_to(alice).exists() and Conversation.objects.get() == hidden
    assert as_root.get(f"{USERS}{alice.pk}/change/").status_code == 302  # there is no such person any more
    User.objects.create_user("alice", "alice@example.com")  # the name is free


def test_what_ends_in_the_middle_is_begun_again(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "PURGED_AT_ONCE", 1)
    mine, _ = [talk(alice) for _ in range(3)], talk(bob)
    AccountDeletion.begin(alice)
    with monkeypatch.context() as patch:
        patch.setattr(model.time, "sleep", dies)
        with pytest.raises(ConnectionError):
            AccountDeletion.objects.all().finish(within_s=60)
    left = Conversation.objects.filter(owner=alice).count()

    assert (left, AccountDeletion.objects.count()) == (len(mine) - 1, 1)
    assert (
        AccountDeletion.objects.all().finish(within_s=0) == 0
        and Conversation.objects.filter(owner=alice).count() == left
    )
    assert AccountDeletion.objects.all().finish(within_s=60) == 1
    assert User.objects.get() == bob and Conversation.objects.get().owner == bob


def test_two_processes_do_not_delete_the_same_account(alice: User) -> None:
    AccountDeletion.begin(alice)
    deletion = AccountDeletion.objects.get()

    assert deletion.claim(within_s=60)
    assert AccountDeletion.objects.all().finish(within_s=60) == 0
    AccountDeletion.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))  # the other one was killed
    assert AccountDeletion.objects.all().finish(within_s=60) == 1


def dies(_: float) -> None:
    raise ConnectionError


def test_a_reviewers_reviews_stay(as_root: Client, rita: User, conversation: Conversation) -> None:
    conversation.review(rita, "Well said.")

    as_root.post(f"{USERS}{rita.pk}/delete/", {"post": "yes"})
    AccountDeletion.objects.all().finish(within_s=60)

    assert Review.objects.get().reviewer is None
    page = as_root.get(f"/admin/conversations/conversation/{conversation.pk}/change/").content.decode()
    assert "a former reviewer" in page and "Well said." in page
    assert as_root.get("/admin/conversations/review/").status_code == 200


def test_who_may_not_delete_accounts_deletes_none(as_rita: Client, rita: User, alice: User) -> None:
    rita.user_permissions.add(*Permission.objects.filter(codename__in=("view_user", "change_user")))

    assert as_rita.post(f"{USERS}{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=alice.pk).exists()
