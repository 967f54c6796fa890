"""What pages are told of a click."""

from __future__ import annotations

from uuid import uuid4

from django.contrib.auth.models import User

from conversations.models import Conversation
from streaming.chat.clicks import PathChange, take_click
from streaming.protocol import Retry, SendMessage
from tests.conversations.talk import begin, failed, go_on, talk


def told(change: PathChange, conversation: Conversation) -> list[int]:
    """Places on the path."""
    return [conversation.path_ids().index(message.id) for message in change.messages]


def test_a_question_is_told_with_its_answer_alone(alice: User) -> None:
    conversation = talk(alice)

    change = take_click(alice, conversation, SendMessage(id=uuid4(), text="And at night?"))

    assert told(change, conversation) == [2, 3]


def test_a_retry_in_the_middle_is_told_with_what_follows(alice: User) -> None:
    generation = failed(begin(alice))
    conversation = generation.message.conversation
    go_on(conversation)

    change = take_click(alice, conversation, Retry(id=uuid4(), message=generation.message_id))

    assert (change.parent, told(change, conversation)) == (generation.message.parent_id, [1, 2, 3])


def test_a_retry_at_the_end_is_told_alone(alice: User) -> None:
    generation = failed(begin(alice))
    conversation = generation.message.conversation

    change = take_click(alice, conversation, Retry(id=uuid4(), message=generation.message_id))

    assert told(change, conversation) == [1]
