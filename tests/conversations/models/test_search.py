"""Search over titles and texts, of one's own conversations only."""

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.models import Conversation
from conversations.models.chat.message import ANSWER, Part, PartKey, PartKind
from conversations.models.generation.generation import Status
from conversations.models.generation.partial import Partial, save_partials
from tests.conversations.talk import begin, days_ago, talk


def found(user: User, text: str) -> list[str]:
    return [row.title for row in Conversation.objects.visible_to(user).search(text)]


@pytest.fixture(autouse=True)
def conversations(alice: User, bob: User) -> None:
    talk(alice, "Why is grass green?", "Chlorophyll.", title="Grass")
    talk(alice, "What is 100% of 5?", "Five.", title="Sums")
    talk(bob, "Why is grass green?", "Bob's secret.", title="Bob's")


@pytest.mark.parametrize("text", ["grass", "GREEN", "chloro", "chlorophyll why", "  grass   green "])
def test_every_word_is_found_in_title_question_or_answer(alice: User, text: str) -> None:
    assert found(alice, text) == ["Grass"]


@pytest.mark.parametrize("text", ["secret", "grass five", "o_e"])
def test_what_is_not_there_is_not_found(alice: User, text: str) -> None:
    assert found(alice, text) == []


@pytest.mark.parametrize(
    "text", ["über", "Über", "ÜBER", "üBER", "u\u0308ber", "грусть", "гРуСтЬ", "οδός", "οδόσ", "ﬁsch", "ISTANBUL"]
)
def test_letters_beyond_ascii_are_found_in_either_case_and_form(alice: User, text: str) -> None:
    talk(alice, "Schreibe über Fisch!", "ÜBER Grusel. Грусть. Οδός.", title="Istanbul")
    talk(alice, "U\u0308ber Grusel", "гРУСТЬ ΟΔΌΣ FISCH İstanbul", title="Mehr")
    for row in Conversation.objects.filter(title="Istanbul"):
        row.rename("ıstanbul")

    assert set(found(alice, text)) == {"ıstanbul", "Mehr"}


def test_what_was_stored_by_an_earlier_version_is_found(alice: User) -> None:
    talk(alice, "The Walrus", title="Old")
    Part.objects.update(search_text=None)

    assert found(alice, "walrus") == ["Old"]
    assert found(alice, "old") == ["Old"]


def test_an_answer_is_found_as_far_as_it_is_stored(alice: User) -> None:
    generation = begin(alice)
    generation.claim()
    save_partials([Partial(generation, {ANSWER: "Half a walrus"}, {})])

    assert found(alice, "walrus") == ["New chat"]


@pytest.mark.parametrize("text", ["\u200b", "\u00ad\u2060"])
def test_a_search_for_nothing_finds_nothing(alice: User, text: str) -> None:
    assert found(alice, text) == []


def test_what_the_model_only_thought_is_not_found(alice: User) -> None:
    generation = begin(alice)
    generation.claim()
    generation.finish(Status.DONE, {PartKey(0, PartKind.THINKING): "Hidden whales", ANSWER: "Fish."})

    assert found(alice, "whales") == []
    assert found(alice, "fish") == ["New chat"]


def test_percent_signs_mean_themselves(alice: User) -> None:
    assert found(alice, "100%") == ["Sums"]


@pytest.mark.parametrize(("word", "title"), [("grass ", "Grass"), ("ÜBER ", "Grusel")])
def test_a_search_of_very_many_words_is_answered(alice: User, word: str, title: str) -> None:
    talk(alice, "über", title="Grusel")

    assert found(alice, word * 2000) == [title]


def test_it_looks_into_the_latest_used_ones(alice: User, settings: Settings) -> None:
    settings.SEARCHED_CONVERSATIONS = 4  # with the two that are there
    for number in range(3):
        Conversation.objects.create(owner=alice, title=f"needle {number}", used_at=days_ago(number))

    assert {found.title for found in Conversation.objects.visible_to(alice).search("needle")} == {
        "needle 0",
        "needle 1",
    }
