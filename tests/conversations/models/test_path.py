"""The path that is shown through the tree of messages."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from conversations.models import Conversation
from conversations.models.chat.asking import UnknownMessage
from tests.conversations.talk import answer_of, answered, click, go_on, question_of, shown, talk


def test_it_is_read_with_three_queries_however_long(
    conversation: Conversation, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        go_on(conversation, f"Question {number}", f"Answer {number}")

    with django_assert_num_queries(3):
        texts = [(message.text, message.state) for message in conversation.path()]

    assert texts[-2:] == [("Question 4", "done"), ("Answer 4", "done")]


def test_showing_another_version_shows_what_followed_it(conversation: Conversation) -> None:
    first = question_of(conversation)
    go_on(conversation, "And then?", "Then this.")
    answered(conversation.ask("Other wording", click(), edits=first.pk), "Other answer")

    conversation.show_path_through(first.pk)

    assert shown(conversation)[2:] == ["And then?", "Then this."]


def test_of_several_continuations_the_latest_is_shown(conversation: Conversation) -> None:
    first = answer_of(conversation)
    go_on(conversation, "Second", "2")
    conversation.show_path_through(first.pk)
    answered(conversation.ask("Third", click(), edits=conversation.path()[2].pk), "3")

    conversation.show_path_through(first.pk)

    assert shown(conversation)[2:] == ["Third", "3"]


def test_a_long_thread_is_switched_with_few_queries(
    conversation: Conversation, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    first = question_of(conversation)
    for _ in range(10):
        go_on(conversation)

    with django_assert_max_num_queries(4):
        conversation.show_path_through(first.pk)


def test_a_message_of_another_conversation_cannot_be_shown(alice: User, conversation: Conversation) -> None:
    other = question_of(talk(alice))

    for message in (other.pk, uuid4()):
        with pytest.raises(UnknownMessage):
            conversation.show_path_through(message)


def test_a_path_through_another_version_can_be_read_without_showing_it(conversation: Conversation) -> None:
    first = answer_of(conversation)
    answered(conversation.regenerate(first.pk, click()), "Another")

    read = [message.text for message in conversation.path(str(first.pk))]

    assert read[-1] == first.text
    assert shown(conversation)[-1] == "Another"
