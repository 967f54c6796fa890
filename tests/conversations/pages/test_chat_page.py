"""The chat page: the conversation's shown path, for its owner alone."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from conversations.models import Conversation, PipelineStage
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import Plan, PlannedStage
from tests.conversations.talk import answer_of, answered, begin, click, failed, go_on


def states(html: str) -> list[str]:
    """Of the messages in the transcript, in order; forms of messages to come are not among them."""
    return re.findall(r'data-message-id="[0-9a-f-]{36}" data-state="(\w+)"', html)


def test_the_page_shows_the_whole_path_rendered(as_alice: Client, conversation: Conversation) -> None:
    go_on(conversation, "And <b>then</b>?", "A | B\n--|--\n1 | 2")

    html = as_alice.get(conversation.get_absolute_url()).content.decode()

    assert states(html) == ["done"] * 4
    assert "<strong>Rayleigh</strong>" in html and "<table" in html
    assert "And &lt;b&gt;then&lt;/b&gt;?" in html


def test_a_new_chat_has_no_messages(as_alice: Client, conversation: Conversation) -> None:
    response = as_alice.get("/")

    assert response.status_code == 200
    assert response.context["conversation"] is None
    assert states(response.content.decode()) == []


def test_an_answer_that_is_being_written_comes_empty_for_the_socket_to_fill(as_alice: Client, alice: User) -> None:
    generation = begin(alice)
    generation.claim()

    html = as_alice.get(generation.message.conversation.get_absolute_url()).content.decode()

    assert states(html) == ["done", "streaming"]


def test_why_this_model_answered_is_told_with_its_scores(as_alice: Client, alice: User) -> None:
    scores = {"domain": "small_talk", "urgency": 0.0, "complexity": 0.15, "reasoning": 0.25, "judged": "medium"}
    plan = Plan((PlannedStage(0, "quick", "Answer"),), reasons=("It was judged simple.",), scores=scores)
    generation = answered(begin(alice), plan=plan.as_json())

    html = as_alice.get(generation.message.conversation.get_absolute_url()).content.decode()

    assert "<li>It was judged simple.</li>" in html
    assert "from 0 to 1: complexity 0.15, reasoning 0.25, urgency 0.0, domain small talk.</li>" in html


def test_the_figures_of_a_continued_answer_say_that_they_are_of_its_last_piece(as_alice: Client, alice: User) -> None:
    stopped = answered(begin(alice), "Because", Status.STOPPED, completion_tokens=741)
    conversation = stopped.message.conversation
    answered(conversation.continue_answer(stopped.message_id, click()), "Because of that", completion_tokens=132)

    html = as_alice.get(conversation.get_absolute_url()).content.decode()

    assert "<li>Continuation</li>" in html and "132 tokens" in html
    assert "s total" not in html


def test_a_failed_answer_says_what_to_do(as_alice: Client, alice: User) -> None:
    broken = failed(begin(alice))

    html = as_alice.get(broken.message.conversation.get_absolute_url()).content.decode()

    assert "The model server can&#x27;t be reached." in html
    assert 'data-action="retry"' in html


@pytest.mark.parametrize(
    ("outcomes", "told", "offers_fresh"),
    [
        ({"0": {"status": "done", "cached": True}}, "From the cache", True),
        ({"0": {"status": "done", "cached": True}, "1": {"status": "done"}}, "Partly from the cache", True),
        ({"0": {"status": "done"}}, "tokens/s", False),
    ],
)
def test_an_answer_from_the_cache_says_so_and_offers_a_fresh_one(
    as_alice: Client, alice: User, outcomes: dict[str, Any], told: str, offers_fresh: bool
) -> None:
    now = timezone.now()
    times = {"first_token_at": now, "last_token_at": now + timedelta(milliseconds=1)}
    answer = answered(begin(alice), outcomes=outcomes, **times).message

    html = as_alice.get(answer.conversation.get_absolute_url()).content.decode()

    assert f"<li>{told}</li>" in html or f" {told}</li>" in html
    assert ('data-action="fresh"' in html) == offers_fresh == ("tokens/s" not in html)


def test_it_takes_as_many_queries_for_many_messages_as_for_few(
    as_alice: Client, conversation: Conversation, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(8):
        go_on(conversation)

    with django_assert_max_num_queries(12):
        as_alice.get(conversation.get_absolute_url())


def test_another_users_conversation_is_not_found(as_bob: Client, conversation: Conversation) -> None:
    url = conversation.get_absolute_url()
    message = answer_of(conversation).pk

    assert [as_bob.get(address).status_code for address in (url, f"{url}messages/{message}/")] == [404, 404]


def test_a_deleted_conversation_is_not_found(as_alice: Client, conversation: Conversation) -> None:
    conversation.delete_softly()

    assert as_alice.get(conversation.get_absolute_url()).status_code == 404


def test_one_message_is_shown_alone_with_its_place_among_its_versions(
    as_alice: Client, conversation: Conversation
) -> None:
    first = answer_of(conversation)
    answered(conversation.regenerate(first.pk, click()))

    html = as_alice.get(f"{conversation.get_absolute_url()}messages/{first.pk}/").content.decode()

    assert states(html) == ["done"]
    assert "1 / 2" in html


def test_a_message_is_found_in_its_own_conversation_only(as_alice: Client, alice: User) -> None:
    one, other = begin(alice), begin(alice)
    url = one.message.conversation.get_absolute_url()

    assert as_alice.get(f"{url}messages/{other.message_id}/").status_code == 404
    assert as_alice.get(f"{url}messages/{uuid4()}/").status_code == 404


@pytest.mark.parametrize("demo", [True, False])
def test_the_demo_is_labelled_as_such(as_alice: Client, settings: Settings, demo: bool) -> None:
    settings.DEMO_MODEL_SERVER = demo

    assert as_alice.get("/").context["demo"] is demo


def offered(page: Client) -> list[str]:
    """The modes that the composer offers."""
    select = page.get("/").content.decode().partition("data-mode>")[2].partition("</select>")[0]
    return re.findall(r'<option value="(\w+)"', select)


def test_modes_are_offered_where_they_make_a_difference(as_alice: Client, settings: Settings) -> None:
    settings.STAGES_WITH_ONE_MODEL = False
    assert offered(as_alice) == ["auto", "quick", "deep"]  # with one model, a medium question gets the quick stage

    PipelineStage.objects.filter(stage__name="deep").delete()
    assert offered(as_alice) == []

    settings.MODEL_TIERS = {"nano": ("small", "http://a/v1"), "smart": ("large", "http://a/v1")}
    assert offered(as_alice) == ["auto", "quick", "balanced", "deep"]


def test_browsers_and_proxies_keep_no_page(as_alice: Client, conversation: Conversation) -> None:
    for url in ("/", "/sidebar/", "/settings/", conversation.get_absolute_url()):
        assert "no-store" in as_alice.get(url).headers["Cache-Control"]


def test_rendered_text_is_remembered(
    as_alice: Client, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = as_alice.get(conversation.get_absolute_url()).content.decode()
    monkeypatch.setattr("conversations.templatetags.transcript.render_blocks", None)

    assert "<strong>Rayleigh</strong>" in first
    assert as_alice.get(conversation.get_absolute_url()).status_code == 200
