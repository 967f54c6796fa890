"""What of a reviewer's open page can change is fetched without an access, and by reviewers alone."""

from django.contrib.auth.models import User
from django.test import Client

from conversations.models import AccessLogEntry, Conversation


def test_it_has_reviews_and_state_and_no_text(as_rita: Client, rita: User, conversation: Conversation) -> None:
    conversation.review(rita, "Well said.")
    conversation.delete_softly()

    news = as_rita.get(f"/admin/conversations/conversation/{conversation.pk}/news/").content.decode()

    assert "Well said." in news
    assert "deleted by its owner" in news
    assert "Rayleigh" not in news
    assert not AccessLogEntry.objects.exists()


def test_others_get_nothing(as_alice: Client, conversation: Conversation) -> None:
    assert as_alice.get(f"/admin/conversations/conversation/{conversation.pk}/news/").status_code in (302, 403)
