"""The same click from two tabs at once, and two clicks at once: in threads, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from conversations.models import Conversation, Generation
from conversations.models.chat.asking import AnswerPending, ConversationError
from conversations.models.chat.message import ANSWER
from conversations.models.generation.generation import Status
from tests.conversations.talk import QUESTION, click, talk

AT_ONCE = 4

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice(transactional_db: None) -> User:
    return User.objects.create_user("alice")


def test_one_click_from_many_tabs_begins_one_conversation(alice: User) -> None:
    request = click()

    found = at_once(lambda _: Conversation.begin(alice, QUESTION, request).pk)

    assert len(set(found)) == 1
    assert (Conversation.objects.count(), Generation.objects.count()) == (1, 1)


def test_one_click_from_many_tabs_asks_one_question(alice: User) -> None:
    conversation, request = talk(alice), click()

    found = at_once(lambda _: fresh(conversation).ask("And at night?", request).pk)

    assert len(set(found)) == 1
    assert conversation.messages.count() == 4


def test_of_many_different_clicks_one_is_taken_and_the_others_are_told(alice: User) -> None:
    conversation = talk(alice)

    found = at_once(lambda number: refused(lambda: fresh(conversation).ask(f"Question {number}", click())))

    assert sorted(found) == [False, *[True] * (AT_ONCE - 1)]
    assert conversation.messages.count() == 4


def test_one_of_many_workers_gets_the_attempt(alice: User) -> None:
    generation = Conversation.begin(alice, QUESTION, click())
    seen = [Generation.objects.get(pk=generation.pk) for _ in range(AT_ONCE)]

    found = at_once(lambda number: seen[number].claim())

    assert found.count(True) == 1


def test_of_many_ends_one_counts(alice: User) -> None:
    generation = Conversation.begin(alice, QUESTION, click())
    generation.claim()
    seen = [Generation.objects.get(pk=generation.pk) for _ in range(AT_ONCE)]

    found = at_once(lambda number: seen[number].finish(Status.DONE, {ANSWER: f"End {number}"}))

    assert found.count(True) == 1
    assert generation.message.text == f"End {found.index(True)}"


def test_a_stop_at_the_moment_of_the_claim_is_not_lost(alice: User) -> None:
    generation = Conversation.begin(alice, QUESTION, click())
    seen = [Generation.objects.get(pk=generation.pk) for _ in range(AT_ONCE)]

    at_once(lambda number: seen[number].request_stop() if number else seen[number].claim())

    generation.refresh_from_db()
    assert generation.stop_requested_at is not None
    assert generation.status in (Status.STOPPED, Status.RUNNING)


def test_what_is_asked_at_the_moment_of_deleting_is_refused_or_stopped(alice: User) -> None:
    conversation = talk(alice)

    def delete_or_ask(number: int) -> None:
        with suppress(ConversationError):
            fresh(conversation).ask("And at night?", click()) if number else fresh(conversation).delete_softly()

    at_once(delete_or_ask)

    assert fresh(conversation).deleted_at
    assert not Generation.objects.unfinished().exists()


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """What each thread returned; all begin together."""
    barrier = Barrier(AT_ONCE)

    def run(number: int) -> Any:
        barrier.wait(10)
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(run, range(AT_ONCE)))


def refused(ask: Callable[[], Any]) -> bool:
    try:
        ask()
    except AnswerPending:
        return True
    return False


def fresh(conversation: Conversation) -> Conversation:
    return Conversation.objects.get(pk=conversation.pk)
