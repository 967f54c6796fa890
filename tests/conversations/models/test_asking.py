"""A question and its queued answer are stored as one, once per click."""

from dataclasses import replace
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.models import Conversation, Generation, Message
from conversations.models.chat.asking import AnswerPending, EmptyText, TextTooLong, UnknownMessage
from conversations.models.generation.generation import Status
from tests.conversations.talk import QUESTION, REPLY, answer_of, answered, begin, click, question_of, shown, talk


def test_a_question_begins_a_conversation_with_a_queued_answer(alice: User) -> None:
    generation = begin(alice)

    assert shown(generation.message.conversation) == [QUESTION, ""]
    assert generation.status == Status.QUEUED


def test_a_first_question_that_is_sent_twice_begins_one_conversation(alice: User) -> None:
    request = click()

    first, second = (Conversation.begin(alice, QUESTION, request) for _ in range(2))

    assert first == second
    assert (Conversation.objects.count(), Message.objects.count()) == (1, 2)


def test_a_question_that_is_sent_twice_is_stored_once_even_after_its_answer(conversation: Conversation) -> None:
    request = click()
    first = answered(conversation.ask("And at night?", request))

    second = conversation.ask("And at night?", request)

    assert first == second
    assert conversation.messages.count() == 4


def test_an_id_of_somebody_elses_conversation_begins_another_one(bob: User, conversation: Conversation) -> None:
    generation = Conversation.begin(bob, "Mine", click(conversation.pk))

    assert generation.message.conversation.owner == bob
    assert shown(conversation) == [QUESTION, REPLY]


def test_the_next_question_follows_the_shown_answer(conversation: Conversation) -> None:
    generation = conversation.ask("And at night?", click())

    question = generation.message.parent
    assert question is not None
    assert question.parent == answer_of_first(conversation)
    assert shown(conversation) == [QUESTION, REPLY, "And at night?", ""]


def test_nothing_can_be_asked_while_an_answer_is_pending(alice: User) -> None:
    generation = begin(alice)

    with pytest.raises(AnswerPending):
        generation.message.conversation.ask("And at night?", click())

    assert Generation.objects.count() == 1


def test_an_edited_question_stands_beside_the_first_one(conversation: Conversation) -> None:
    first = question_of(conversation)

    answered(conversation.ask("Why is it red?", click(), edits=first.pk), "Dusk.")

    assert shown(conversation) == ["Why is it red?", "Dusk."]
    assert len(conversation.path()[0].siblings) == 2


def test_an_answer_made_again_stands_beside_the_first_one(conversation: Conversation) -> None:
    first = answer_of(conversation)

    answered(conversation.regenerate(first.pk, click()), "Another.")

    assert shown(conversation) == [QUESTION, "Another."]
    assert conversation.path()[1].siblings[0] == first.pk


def test_a_fresh_answer_stays_fresh_for_whoever_makes_it(conversation: Conversation) -> None:
    first = answer_of(conversation)

    usual = answered(conversation.regenerate(first.pk, click()))
    fresh = conversation.regenerate(first.pk, replace(click(), fresh=True))

    fresh.refresh_from_db()
    assert (usual.fresh, fresh.fresh) == (False, True)


@pytest.mark.parametrize(
    "text", ["", " \n\t ", "\u200b", "\u2060 \ufeff\n", "\u00ad\u200e", "\u3164\u2800", "\x07", "\u200d\ufe0f"]
)
def test_what_nobody_sees_is_no_question(alice: User, text: str) -> None:
    with pytest.raises(EmptyText):
        Conversation.begin(alice, text, click())

    assert not Conversation.objects.exists()


@pytest.mark.parametrize("text", ["?", "\u200b🏳️\u200d🌈", "\ue000", "\ufffd", "๑", "\U0003fffd"])
def test_what_shows_at_least_one_sign_is_a_question(alice: User, text: str) -> None:
    assert shown(Conversation.begin(alice, text, click()).message.conversation) == [text, ""]


def test_a_question_can_be_as_long_as_the_limit_and_no_longer(alice: User, settings: Settings) -> None:
    settings.MESSAGE_MAX_LENGTH = 5

    Conversation.begin(alice, "12345", click())
    with pytest.raises(TextTooLong, match="6 of 5"):
        Conversation.begin(alice, "123456", click())


def test_what_no_database_can_hold_is_replaced(alice: User) -> None:
    generation = begin(alice, "a\0b\ud800c")

    assert shown(generation.message.conversation)[0] == "a\ufffdb\ufffdc"


def test_a_message_of_another_conversation_is_unknown(alice: User, conversation: Conversation) -> None:
    other = talk(alice)

    with pytest.raises(UnknownMessage):
        conversation.ask("?", click(), edits=question_of(other).pk)
    with pytest.raises(UnknownMessage):
        conversation.regenerate(answer_of(other).pk, click())


@pytest.mark.parametrize("verb", ["regenerate", "continue_answer", "retry"])
def test_only_an_answer_can_be_made_again(conversation: Conversation, verb: str) -> None:
    for message in (question_of(conversation).pk, uuid4()):
        with pytest.raises(UnknownMessage):
            getattr(conversation, verb)(message, click())


def answer_of_first(conversation: Conversation) -> Message:
    return conversation.messages.filter(role="assistant").earliest("created_at")
