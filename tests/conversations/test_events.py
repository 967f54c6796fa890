"""Whatever changes conversations, by whichever door: it is announced once it is committed, to whoever registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from conversations import events
from conversations.events import Change, ConversationsChanged, Event, StopRequested
from conversations.models import Conversation, Generation

from .talk import begin, changed, click, days_ago


@pytest.fixture
def heard(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> Iterator[Callable[[], list[Event]]]:
    """What was announced of what is done after this fixture; ends the waiting for commits."""
    told: list[Event] = []
    monkeypatch.setattr(events, "_listeners", [told.append])
    capture = django_capture_on_commit_callbacks(execute=True)
    capture.__enter__()

    def finish() -> list[Event]:
        capture.__exit__(None, None, None)
        return told

    yield finish


Heard = Callable[[], list[Event]]
Door = Callable[[Conversation, Client], object]

DOORS: dict[str, tuple[Door, Change]] = {
    "rename, page": (lambda c, alice: alice.post(f"/c/{c.pk}/rename/", {"title": "New"}), Change.TITLED),
    "rename, command": (lambda c, _: c.rename("New"), Change.TITLED),
    "title, model": (lambda c, _: c.entitle("New"), Change.TITLED),
    "switch, page": (
        lambda c, alice: alice.post(f"/c/{c.pk}/show/{c.messages.get(role='assistant').pk}/"),
        Change.SWITCHED,
    ),
    "pin, page": (lambda c, alice: alice.post(f"/c/{c.pk}/pin/", {"pinned": "1"}), Change.PINNED),
    "unpin, page": (lambda c, alice: alice.post(f"/c/{c.pk}/pin/", {"pinned": "0"}), Change.PINNED),
    "delete, page": (lambda c, alice: alice.post(f"/c/{c.pk}/delete/"), Change.DELETED),
    "delete all, page": (
        lambda c, alice: alice.post("/settings/delete-all/", {"confirm": "delete"}),
        Change.DELETED,
    ),
    "delete, command": (lambda c, _: Conversation.objects.filter(pk=c.pk).delete_softly(), Change.DELETED),
    "restore, page": (lambda c, alice: alice.post(f"/c/{c.pk}/restore/"), Change.RESTORED),
    "ask, verb": (lambda c, _: c.ask("And at night?", click()), Change.ASKED),
    "erase, command": (lambda c, _: Conversation.objects.filter(pk=c.pk).delete(), Change.ERASED),
    "erase, purge": (lambda c, _: Conversation.objects.filter(pk=c.pk).purge(), Change.ERASED),
    "erase with its owner": (lambda c, _: c.owner.delete(), Change.ERASED),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_announces(door: str, conversation: Conversation, as_alice: Client, heard: Heard) -> None:
    pk, owner = conversation.pk, conversation.owner_id
    act, change = DOORS[door]

    act(conversation, as_alice)

    told = [event for event in heard() if isinstance(event, ConversationsChanged)]
    assert [(event.change, event.owner, event.conversations) for event in told] == [(change, owner, (pk,))]
    assert told[0].title == ("New" if change is Change.TITLED else "")


ENDS: dict[str, Callable[[Conversation], object]] = {
    "delete": lambda c: c.delete_softly(),
    "delete all": lambda c: Conversation.objects.visible_to(c.owner).delete_softly(),
    "erase": lambda c: Conversation.objects.filter(pk=c.pk).delete(),
    "purge": lambda c: Conversation.objects.filter(pk=changed(c, deleted_at=days_ago(31)).pk).purge(),
    "delete the owner": lambda c: c.owner.delete(),
    "stop": lambda c: Generation.objects.get().request_stop(),
}


@pytest.mark.parametrize("end", ENDS)
def test_whoever_writes_is_told_to_stop(end: str, alice: User, heard: Heard) -> None:
    generation = begin(alice)
    generation.claim()
    pk, owner = generation.pk, alice.pk

    ENDS[end](generation.message.conversation)

    assert StopRequested(pk, owner) in heard()


def test_an_answer_that_nobody_had_begun_ends_at_once(alice: User, heard: Heard) -> None:
    generation = begin(alice)

    generation.message.conversation.delete_softly()

    assert StopRequested(generation.pk, alice.pk, has_ended=True) in heard()


def test_an_erased_conversation_names_its_generations(alice: User, heard: Heard) -> None:
    generation = begin(alice)
    pk = generation.pk

    generation.message.conversation.delete()

    assert [e.generations for e in heard() if isinstance(e, ConversationsChanged) and e.generations] == [(pk,)]


def test_what_was_not_committed_is_not_announced(conversation: Conversation, heard: Heard) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        conversation.rename("Never")
        raise ZeroDivisionError

    assert heard() == []


def test_a_click_that_comes_again_is_announced_again(conversation: Conversation, heard: Heard) -> None:
    request = click()
    conversation.ask("And at night?", request)
    conversation.ask("And at night?", request)

    requests = [event.request for event in heard() if isinstance(event, ConversationsChanged)]
    assert requests == [request.client_id, request.client_id]
