"""What was said before an answer is what its path shows, however large the tree is."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from conversations.models import Conversation, Part
from conversations.models.chat.message import PartKind, Role
from tests.conversations.talk import answer_of, answered, click, go_on, question_of


def as_shown(conversation: Conversation) -> list[tuple[str, str]]:
    """By the models, without the last answer."""
    return [(message.role, message.text) for message in conversation.path()[:-1]]


def last(conversation: Conversation) -> list[tuple[str, str]]:
    return [tuple(said) for said in conversation.path()[-1].transcript]


def test_it_is_the_path_from_the_first_question(conversation: Conversation) -> None:
    go_on(conversation, "And at night?", "Black.")
    go_on(conversation, "Why?", "No sun.")

    assert last(conversation) == as_shown(conversation)
    assert len(last(conversation)) == 5


def test_other_versions_are_not_in_it(conversation: Conversation) -> None:
    answered(conversation.ask("Edited", click(), edits=question_of(conversation).pk), "Another answer")
    conversation.refresh_from_db()

    assert last(conversation) == [(Role.USER, "Edited")]


def test_of_an_answer_in_stages_the_one_that_is_shown_counts(conversation: Conversation) -> None:
    answer = answer_of(conversation)
    Part.objects.create(message=answer, stage=1, kind=PartKind.TEXT, text="A deeper answer")
    Part.objects.create(message=answer, stage=1, kind=PartKind.THINKING, text="Hm")
    go_on(conversation, "Why?", "So.")

    assert last(conversation) == as_shown(conversation)


def test_a_message_without_text_is_empty(conversation: Conversation) -> None:
    Part.objects.filter(message=answer_of(conversation)).delete()
    go_on(conversation, "Why?", "So.")

    assert last(conversation)[1] == (Role.ASSISTANT, "")


def test_it_is_read_once(
    conversation: Conversation, alice: User, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    go_on(conversation)
    answer = conversation.path()[-1]

    with django_assert_num_queries(1):  # type: ignore[operator]
        assert answer.transcript is answer.transcript
