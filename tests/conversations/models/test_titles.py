"""Titles: the owner's wins over the model's."""

import pytest

from conversations.models import Conversation
from conversations.models.asking import EmptyTitle, TextTooLong
from conversations.models.conversation import TITLE_LENGTH


def test_an_owners_title_is_one_line(conversation: Conversation) -> None:
    conversation.rename("  The \n sky\0 ")

    conversation.refresh_from_db()
    assert conversation.title == "The sky\ufffd"


def test_the_model_names_what_the_owner_did_not(conversation: Conversation) -> None:
    assert conversation.entitle("By the model")
    conversation.rename("By the owner")
    assert not conversation.entitle("By the model again")

    conversation.refresh_from_db()
    assert conversation.title == "By the owner"


def test_a_models_long_title_is_cut(conversation: Conversation) -> None:
    conversation.entitle("x" * (TITLE_LENGTH + 1))

    conversation.refresh_from_db()
    assert conversation.title == "x" * TITLE_LENGTH


@pytest.mark.parametrize(("title", "refusal"), [("  ", EmptyTitle), ("x" * (TITLE_LENGTH + 1), TextTooLong)])
def test_a_title_that_cannot_be_is_refused(conversation: Conversation, title: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        conversation.rename(title)
