"""The settings page: one's account, one's data, and the way out with all of it."""

from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from conversations.models import Conversation
from tests.conversations.talk import talk


def test_it_says_who_is_signed_in_and_how_much_there_is(as_alice: Client, alice: User, bob: User) -> None:
    talk(alice)
    talk(bob)

    html = as_alice.get("/settings/").content.decode()

    assert "<strong>alice</strong> (alice@example.com)" in html
    assert "You have 1 chat." in html


def test_it_says_how_long_deleted_conversations_are_kept(as_alice: Client, settings: Settings) -> None:
    settings.DELETED_KEPT_DAYS = 12

    assert "erased permanently after 12 days" in as_alice.get("/settings/").content.decode()


def test_every_link_on_it_leads_somewhere(as_alice: Client) -> None:
    for url in ("/accounts/email/", "/accounts/password/change/"):
        assert url in as_alice.get("/settings/").content.decode()
        assert as_alice.get(url, follow=True).status_code == 200


def test_all_conversations_are_deleted_after_the_word(as_alice: Client, alice: User, bob: User) -> None:
    bobs = talk(bob)
    talk(alice)
    talk(alice)

    html = as_alice.post("/settings/delete-all/", {"confirm": " Delete "}, follow=True).content.decode()

    assert "2 conversations deleted." in html
    assert list(Conversation.objects.filter(deleted_at=None)) == [bobs]


def test_nothing_is_deleted_without_the_word(as_alice: Client, conversation: Conversation) -> None:
    html = as_alice.post("/settings/delete-all/", {"confirm": "yes"}, follow=True).content.decode()

    assert "Nothing was deleted" in html
    assert Conversation.objects.get().deleted_at is None
