"""Titles: the owner's wins over the model's."""

import pytest

from conversations.models import Conversation
from conversations.models.chat.asking import EmptyTitle, TextTooLong
from conversations.models.chat.titles import LENGTH, graphemes, title_of

FAMILY = "👩\u200d👩\u200d👧\u200d👦"


def test_an_owners_title_is_one_line(conversation: Conversation) -> None:
    conversation.rename("  The \n sky\0\u202e\x07 ")

    conversation.refresh_from_db()
    assert conversation.title == "The sky"


def test_the_model_names_what_the_owner_did_not(conversation: Conversation) -> None:
    assert conversation.entitle("By the model")
    conversation.rename("By the owner")
    assert not conversation.entitle("By the model again")

    conversation.refresh_from_db()
    assert conversation.title == "By the owner"


def test_a_models_long_title_is_cut(conversation: Conversation) -> None:
    conversation.entitle("x" * (LENGTH + 1))

    conversation.refresh_from_db()
    assert conversation.title == "x" * LENGTH


@pytest.mark.parametrize(
    ("title", "refusal"),
    [
        ("  ", EmptyTitle),
        ("\u200b\u2060\u00ad", EmptyTitle),
        ("\u202e\u200f \x07\u3000", EmptyTitle),
        ("\u3164\u2800", EmptyTitle),
        ("\u0301\u200d", EmptyTitle),
        ("x" * (LENGTH + 1), TextTooLong),
    ],
)
def test_a_title_that_cannot_be_is_refused(conversation: Conversation, title: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        conversation.rename(title)


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Why is the sky blue?", "Why is the sky blue?"),
        (
            "Why is the sky blue in the morning and red when the day ends?",
            "Why is the sky blue in the morning and red when…",
        ),
        ("天空为什么是蓝色的" * 20, ("天空为什么是蓝色的" * 20)[:48] + "…"),
        ("ทำไมท้องฟ้าถึงเป็นสีฟ้า", "ทำไมท้องฟ้าถึงเป็นสีฟ้า"),
        ("https://example.com/" + "a" * 100, "https://example.com/" + "a" * 28 + "…"),
        ("x" * 5000, "x" * 48 + "…"),
        ("Ab " + "x" * 500, "Ab " + "x" * 45 + "…"),
        ("# What is *this*, and `that`?", "What is this, and that?"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("~~~\nls -la\n~~~\nWhat does it do?", "ls -la What does it do?"),
        ("- [ ] buy **milk**\n- bread", "buy milk bread"),
        ("> quoted\n\n1. first", "quoted first"),
        ("[a link](https://example.com) and ![a picture](x.png)", "a link and a picture"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b | | 1 | 2 |"),
        ("$$x^2$$", "x^2"),
        ("--verbose, what is it?", "--verbose, what is it?"),
        ("2 * 3 * 4 = ?", "2 * 3 * 4 = ?"),
        ("snake_case_name and __init__", "snake_case_name and init"),
        ("It costs $5-$6, not $7", "It costs $5-$6, not $7"),
        ("***", "***"),
        ("```\n```", "``` ```"),
        ("<div></div>", "<div></div>"),
        ("\u202eevil\u202c \u200fmarks\u2066", "evil marks"),
        ("a\0b\x1b[31mc\td", "ab[31mc d"),
        ("\u200b\u2060", ""),
        (FAMILY * 60, FAMILY * 17 + "…"),
        ("e\u0301" * 100, "e\u0301" * 48 + "…"),
        ("🇩🇪" * 60, "🇩🇪" * 48 + "…"),
        ("👍🏽" * 60, "👍🏽" * 48 + "…"),
    ],
)
def test_a_question_makes_a_title(question: str, title: str) -> None:
    assert title_of(question) == title
    assert len(title) <= LENGTH


def test_signs_are_not_cut_in_two() -> None:
    signs = [
        "a",
        "e\u0301",
        FAMILY,
        "🇩🇪",
        "🇫🇷",
        "👍🏽",
        "❤\ufe0f\u200d🔥",
        "กำ",
        "한",
        "\u1112\u1161\u11ab",
        "न\u093f",
        "x",
    ]

    assert list(graphemes("".join(signs))) == signs


def test_one_sign_of_many_marks_is_cut_all_the_same(conversation: Conversation) -> None:
    assert conversation.entitle("e" + "\u0301" * 500)

    conversation.refresh_from_db()
    assert conversation.title == "e" + "\u0301" * (LENGTH - 1)


def test_a_models_title_ends_with_a_whole_sign(conversation: Conversation) -> None:
    assert conversation.entitle("x" * (LENGTH - 3) + FAMILY)

    conversation.refresh_from_db()
    assert conversation.title == "x" * (LENGTH - 3)


def test_a_models_title_without_anything_to_see_is_none(conversation: Conversation) -> None:
    assert not conversation.entitle(" \u200b\n")
