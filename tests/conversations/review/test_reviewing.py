"""A reviewer marks a conversation as reviewed, with a note; earlier reviews stay."""

from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from conversations.models import Conversation, Review

from .conftest import LIST


def test_a_review_is_stored_with_its_note(as_rita: Client, rita: User, conversation: Conversation, url: str) -> None:
    response = as_rita.post(f"{url}review/", {"note": " Good\0 "}, follow=True)

    review = Review.objects.get()
    assert (review.conversation, review.reviewer, review.note) == (conversation, rita, "Good\ufffd")
    assert "Marked as reviewed." in response.content.decode()


def test_a_review_needs_no_note(as_rita: Client, url: str) -> None:
    as_rita.post(f"{url}review/")

    assert Review.objects.get().note == ""


def test_a_note_has_the_length_of_a_message_at_most(as_rita: Client, url: str, settings: Settings) -> None:
    settings.MESSAGE_MAX_LENGTH = 10
    response = as_rita.post(f"{url}review/", {"note": "12345\r\n789012"}, follow=True)
    as_rita.post(f"{url}review/", {"note": "12345\r\n7890"})

    assert "Too long: 12 of 10" in response.content.decode()
    assert Review.objects.get().note == "12345\n7890"


def test_all_reviews_are_shown_with_the_latest_first(as_rita: Client, as_root: Client, url: str) -> None:
    as_rita.post(f"{url}review/", {"note": "The first <b>"})
    as_root.post(f"{url}review/", {"note": "The second"})

    html = as_rita.get(f"{url}change/").content.decode()

    assert 0 < html.index("The second") < html.index("The first &lt;b&gt;")


def test_it_is_reviewed_in_the_list_then(as_rita: Client, url: str) -> None:
    as_rita.post(f"{url}review/")

    (row,) = as_rita.get(LIST).context["cl"].result_list
    assert row.reviewed_at is not None


def test_a_link_reviews_nothing(as_rita: Client, url: str) -> None:
    assert as_rita.get(f"{url}review/").status_code == 405
    assert not Review.objects.exists()
