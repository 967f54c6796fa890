"""What a model server is sent of a conversation."""

from __future__ import annotations

import pytest

from conversations.models.chat.message import Role, Said
from streaming.demo.completion import Completion, Options
from streaming.demo.faults import Behaviour, Faults
from streaming.demo.wire import ChatRequest, Message
from streaming.planning.prompts import Prompt

USER, ASSISTANT = Role.USER, Role.ASSISTANT


def prompt_of(*path: tuple[Role, str]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in Prompt.of_path(Said(*one) for one in path).messages]


def test_a_question_without_an_answer_goes_with_the_next_one() -> None:
    path = [(USER, "a"), (ASSISTANT, ""), (USER, "b"), (ASSISTANT, ""), (USER, "c"), (ASSISTANT, "C"), (USER, "d")]

    assert prompt_of(*path) == [("user", "a\n\n\nb\n\n\nc"), ("assistant", "C"), ("user", "d")]


def test_a_path_that_alternates_is_sent_as_it_is() -> None:
    path = [(USER, "a"), (ASSISTANT, "A"), (USER, "b")]

    assert prompt_of(*path) == [("user", "a"), ("assistant", "A"), ("user", "b")]


@pytest.mark.parametrize("earlier", ["Hello", "[[demo status=500]] Hello"])
def test_the_demo_answers_the_latest_question_alone(earlier: str) -> None:
    prompt = Prompt.of_path([Said(USER, earlier), Said(ASSISTANT, ""), Said(USER, "[[demo rate=7]] [echo] a\n\nb")])
    request = ChatRequest([Message(**message) for message in prompt.messages])

    completion = Completion(request, Options(), Faults(Behaviour()))

    assert "".join(token.text for token in completion.tokens()) == "a\n\nb"
    assert (completion.behaviour.rate, completion.behaviour.status) == (7, None)
