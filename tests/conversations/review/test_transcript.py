"""One conversation as reviewers read it: rendered, with figures, every version reachable."""

import re
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from conversations.models import Conversation, Generation
from conversations.models.chat.message import ANSWER, PartKey, PartKind
from conversations.models.generation.generation import Status
from tests.conversations.talk import REPLY, answer_of, answered, begin, changed, click, failed, go_on, question_of, talk

from .conftest import LIST


def read(client: Client, url: str, **query: object) -> str:
    response = client.get(f"{url}change/", query)
    assert response.status_code == 200
    return response.content.decode()


def test_the_shown_path_is_rendered_as_its_owner_sees_it(as_rita: Client, conversation: Conversation, url: str) -> None:
    go_on(conversation, "<i>And</i> then?")

    html = read(as_rita, url)

    assert re.findall(r'<article[^>]*data-role="(\w+)"', html) == ["user", "assistant"] * 2
    assert "<strong>Rayleigh</strong>" in html
    assert "&lt;i&gt;And&lt;/i&gt; then?" in html


def test_every_generation_tells_its_figures(as_rita: Client, conversation: Conversation, url: str) -> None:
    now = timezone.now()
    Generation.objects.update(
        accepted_at=now, first_token_at=now + timezone.timedelta(seconds=0.25), server="gpu-1:8000", prompt_tokens=1234
    )

    html = read(as_rita, url)

    for told in ("a-model", "gpu-1:8000", "0.250 s", "1234", "First token", "Claimed", "Finished"):
        assert told in html


def test_an_error_is_told_with_its_detail(as_rita: Client, alice: User) -> None:
    broken = failed(begin(alice))
    Generation.objects.update(error_detail="connection <refused>")

    html = read(as_rita, f"{LIST}{broken.message.conversation_id}/")

    assert "no_server" in html and "connection &lt;refused&gt;" in html


def test_other_versions_are_reached_by_links(as_rita: Client, conversation: Conversation, url: str) -> None:
    first = answer_of(conversation).pk
    answered(conversation.regenerate(first, click()), "Another answer")

    html = read(as_rita, url)
    assert "1 message on other branches" in html and "Rayleigh" not in html
    (link,) = re.findall(r'href="\?through=([0-9a-f-]+)"', html)

    assert "Rayleigh" in read(as_rita, url, through=link)
    conversation.refresh_from_db()
    assert conversation.leaf_id != first  # what its owner sees has not changed


def test_every_message_of_a_tree_is_reachable(as_rita: Client, conversation: Conversation, url: str) -> None:
    answered(conversation.ask("Reworded", click(), edits=question_of(conversation).pk))
    go_on(conversation)
    answered(conversation.regenerate(conversation.path()[-1].pk, click()))

    seen: set[str] = set()
    waiting = [""]
    while waiting:
        html = read(as_rita, url, through=waiting.pop())
        seen |= set(re.findall(r'data-message-id="([^"]+)"', html))
        waiting += [link for link in re.findall(r'through=([0-9a-f-]+)"', html) if link not in seen]

    assert seen == {str(message.pk) for message in conversation.messages.all()}


def test_thinking_is_shown_apart(as_rita: Client, alice: User) -> None:
    generation = begin(alice)
    generation.claim()
    generation.finish(Status.DONE, {PartKey(0, PartKind.THINKING): "Let me see", ANSWER: REPLY})

    html = read(as_rita, f"{LIST}{generation.message.conversation_id}/")

    assert re.search(r"<summary>Thinking</summary>.*Let me see", html, re.DOTALL)


def test_an_answer_that_is_being_written_says_so(as_rita: Client, alice: User) -> None:
    generation = begin(alice)

    assert "is being written" in read(as_rita, f"{LIST}{generation.message.conversation_id}/")


def test_a_deleted_conversation_is_marked(as_rita: Client, conversation: Conversation, url: str) -> None:
    conversation.delete_softly()

    assert "deleted by its owner" in read(as_rita, url)


def test_nothing_on_it_acts_on_messages(as_rita: Client, conversation: Conversation, url: str) -> None:
    html = read(as_rita, url)

    assert "data-action" not in html
    assert re.findall(r'<form[^>]*action="([^"]+)"', html) == ["/admin/logout/", f"{url}review/"]


@pytest.mark.parametrize("pk", [uuid4(), "not-a-uuid", "1"])
def test_what_does_not_exist_is_not_found(as_rita: Client, pk: object) -> None:
    for address in ("change/", "export/json/"):
        assert as_rita.get(f"{LIST}{pk}/{address}", follow=True).status_code == 404


@pytest.mark.parametrize("through", [uuid4(), "nonsense", ""])
def test_an_unknown_version_shows_the_shown_path(as_rita: Client, url: str, through: object) -> None:
    assert "Rayleigh" in read(as_rita, url, through=through)


def test_more_messages_take_no_more_queries(
    as_rita: Client, conversation: Conversation, url: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(12):
        read(as_rita, url)
    for _ in range(5):
        go_on(conversation)

    with django_assert_num_queries(12):
        read(as_rita, url)


def test_a_long_title_is_escaped(as_rita: Client, alice: User) -> None:
    conversation = changed(talk(alice), title="<script>alert(1)</script>")

    assert "<script>alert" not in read(as_rita, f"{LIST}{conversation.pk}/")
