"""Deleted conversations are hidden, can be restored for a while, and then are gone with all that is theirs."""

import pytest
from django.contrib.auth.models import AnonymousUser, User

from conversations.models import AccessLogEntry, Conversation, Generation, Message, Part, Review
from conversations.models.chat.asking import ConversationError
from conversations.models.chat.conversation import PURGED_AT_ONCE, ConversationQuerySet
from conversations.models.generation.generation import Status
from tests.conversations.talk import answered, begin, changed, click, days_ago, failed, go_on, question_of, talk


def test_a_deleted_conversation_is_hidden_and_can_be_restored(alice: User, conversation: Conversation) -> None:
    conversation.delete_softly()
    hidden = not Conversation.objects.visible_to(alice).exists()
    conversation.restore()

    assert hidden
    assert Conversation.objects.visible_to(alice).get() == conversation


def test_deleting_stops_what_is_being_written(alice: User) -> None:
    queued, running = begin(alice), begin(alice)
    running.claim()

    for generation in (queued, running):
        generation.message.conversation.delete_softly()

    queued.refresh_from_db()
    running.refresh_from_db()
    assert queued.status == Status.STOPPED
    assert running.stop_requested_at is not None


@pytest.mark.parametrize("verb", ["regenerate", "continue_answer", "retry"])
def test_nothing_is_answered_anew_in_a_conversation_that_another_tab_deleted(alice: User, verb: str) -> None:
    broken = failed(begin(alice), "Beca")
    still_open = Conversation.objects.get()
    broken.message.conversation.delete_softly()

    with pytest.raises(ConversationError, match="was deleted"):
        getattr(still_open, verb)(broken.message_id, click())

    assert not Generation.objects.unfinished().exists()


def test_nothing_is_asked_in_a_conversation_that_another_tab_deleted(conversation: Conversation) -> None:
    still_open = Conversation.objects.get()
    conversation.delete_softly()

    with pytest.raises(ConversationError, match="was deleted"):
        still_open.ask("And at night?", click())

    assert conversation.messages.count() == 2


def test_nothing_is_asked_in_a_conversation_that_was_purged(conversation: Conversation) -> None:
    still_open = Conversation.objects.get()
    conversation.delete()

    with pytest.raises(ConversationError, match="was deleted"):
        still_open.ask("And at night?", click())


def test_a_resent_click_still_finds_its_answer_after_deleting(conversation: Conversation) -> None:
    request = click()
    first = answered(conversation.ask("And at night?", request))
    conversation.delete_softly()

    assert conversation.ask("And at night?", request) == first


def test_what_is_asked_while_all_are_being_deleted_is_stopped_too(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    update = ConversationQuerySet.update

    def ask_first(rows: ConversationQuerySet, **fields: object) -> int:
        monkeypatch.undo()
        begin(alice)
        return update(rows, **fields)

    monkeypatch.setattr(ConversationQuerySet, "update", ask_first)

    assert Conversation.objects.visible_to(alice).delete_softly() == 1
    assert not Generation.objects.unfinished().exists()


def test_many_are_deleted_at_once_and_their_answers_stopped(alice: User, bob: User, conversation: Conversation) -> None:
    queued, bobs = begin(alice), talk(bob)

    count = Conversation.objects.visible_to(alice).delete_softly()

    queued.refresh_from_db()
    assert (count, queued.status) == (2, Status.STOPPED)
    assert list(Conversation.objects.filter(deleted_at=None)) == [bobs]


def test_purging_removes_what_was_deleted_long_ago_and_nothing_else(alice: User, bob: User) -> None:
    talk(alice, deleted_at=days_ago(31))
    kept = {talk(alice, deleted_at=days_ago(29)), talk(alice), talk(bob)}

    assert Conversation.objects.deleted_before(days_ago(30)).purge() == 1
    assert set(Conversation.objects.all()) == kept


def test_purging_leaves_no_row_behind(alice: User, rita: User, conversation: Conversation) -> None:
    answered(conversation.ask("Edited", click(), edits=question_of(conversation).pk))
    go_on(conversation)
    conversation.access_log.create(reviewer=rita)
    conversation.reviews.create(reviewer=rita)
    changed(conversation, deleted_at=days_ago(31))

    Conversation.objects.deleted_before(days_ago(30)).purge()

    models = (Conversation, Message, Part, Generation, Review)
    assert [model.objects.count() for model in models] == [0] * 5
    assert AccessLogEntry.objects.get().conversation is None  # the access log outlives what it tells of


def test_many_are_purged_in_batches(alice: User) -> None:
    rows = [Conversation(owner=alice, deleted_at=days_ago(31)) for _ in range(2 * PURGED_AT_ONCE + 1)]
    Conversation.objects.bulk_create(rows)

    assert Conversation.objects.deleted_before(days_ago(30)).purge() == len(rows)
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("signed_in", [True, False])
def test_others_see_nothing(bob: User, conversation: Conversation, signed_in: bool) -> None:
    user = bob if signed_in else AnonymousUser()

    assert not Conversation.objects.visible_to(user).exists()
    assert not Conversation.objects.owned_by(user).exists()
