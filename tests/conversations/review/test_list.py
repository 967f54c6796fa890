"""The list of conversations: columns, filters, search, and no query per row."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from conversations.models import AccessLogEntry, Conversation
from tests.conversations.talk import answer_of, answered, begin, click, days_ago, failed, go_on, talk

from .conftest import LIST


def titles(client: Client, **query: str) -> list[str]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [row.title for row in response.context["cl"].result_list]


def cells(client: Client) -> dict[str, str]:
    """Of the first row, by column, without markup."""
    html = client.get(LIST).content.decode()
    found = re.findall(r'<t[dh] class="field-(\w+)[^"]*">(.*?)</t[dh]>', html, re.DOTALL)
    return {name: re.sub(r"<[^>]+>", "", cell).strip() for name, cell in found}


def test_a_row_tells_figures_and_no_text(as_rita: Client, conversation: Conversation) -> None:
    go_on(conversation)
    row = cells(as_rita)

    wanted = {"title": "New chat", "owner": "alice", "length": "4", "last_state": "done", "answered_by": "a-model"}
    assert {name: row[name] for name in wanted} == wanted
    assert row["tokens"] == "14"
    assert "Rayleigh" not in as_rita.get(LIST).content.decode()


def test_the_plain_list_is_no_access(as_rita: Client, conversation: Conversation) -> None:
    titles(as_rita)

    assert not AccessLogEntry.objects.exists()


def test_a_conversation_without_answers_has_a_row(as_rita: Client, alice: User) -> None:
    Conversation.objects.create(owner=alice, title="Empty")

    assert (cells(as_rita)["length"], cells(as_rita)["tokens"]) == ("0", "-")


def test_the_last_state_is_the_latest_generations(as_rita: Client, conversation: Conversation) -> None:
    failed(conversation.regenerate(answer_of(conversation).pk, click()))

    assert cells(as_rita)["last_state"] == "failed"


def test_deleted_conversations_are_listed_as_such(as_rita: Client, conversation: Conversation) -> None:
    conversation.delete_softly()

    assert cells(as_rita)["deleted"] == f"{timezone.now():%Y-%m-%d}"


@pytest.mark.parametrize("query", ["grass", "CHLOROPHYLL", "alice", "alice@example", "why grass"])
def test_search_finds_by_title_text_and_owner(as_rita: Client, alice: User, bob: User, query: str) -> None:
    talk(alice, "Why is grass green?", "Chlorophyll.", title="Green things")
    talk(bob, "What is a sum?", "This.", title="Sums")

    assert titles(as_rita, q=query) == ["Green things"]


@pytest.mark.parametrize("query", ["äpfel", "A\u0308PFEL", "οδός"])
def test_search_knows_cases_and_forms_as_the_owners_does(as_rita: Client, alice: User, query: str) -> None:
    talk(alice, "Äpfel", "Οδός", title="Fruit")

    assert titles(as_rita, q=query) == titles(as_rita, q="fruit") == ["Fruit"]


@pytest.mark.parametrize(("query", "expected"), [("sky " * 2000, ["New chat"]), ("s" * 60_000, [])])
def test_a_very_long_search_is_answered(
    as_rita: Client, conversation: Conversation, query: str, expected: list[str]
) -> None:
    assert titles(as_rita, q=query) == expected


def test_every_list_of_the_admin_answers_a_very_long_search(as_root: Client) -> None:
    for model, its_admin in admin.site._registry.items():
        if its_admin.search_fields:
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            assert as_root.get(address, {"q": "sky " * 4000}).status_code == 200, address


def test_search_and_filter_go_together(as_rita: Client, alice: User) -> None:
    talk(alice, "About whales", title="Done")
    failed(begin(alice, "About whales"))

    assert titles(as_rita, q="whales", status="done") == ["Done"]


@pytest.fixture
def different(alice: User, rita: User) -> None:
    talk(alice, title="Reviewed").reviews.create(reviewer=rita)
    answered(begin(alice, "?"), model="other-model")
    failed(begin(alice, "?"))
    Conversation.objects.filter(title="New chat").update(title="Other")
    Conversation.objects.filter(messages__generations__status="failed").update(title="Failed")
    talk(alice, title="Old", used_at=days_ago(400))
    talk(alice, title="Deleted", deleted_at=timezone.now(), used_at=days_ago(1))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"status": "failed"}, ["Failed"]),
        ({"model": "other-model"}, ["Other"]),
        ({"reviewed": "yes"}, ["Reviewed"]),
        ({"reviewed": "no"}, ["Failed", "Other", "Deleted", "Old"]),
        ({"deleted": "yes"}, ["Deleted"]),
        ({"used_at__gte": "2000-01-01 00:00:00+00:00", "used_at__lt": f"{days_ago(300):%F} 00:00:00+00:00"}, ["Old"]),
        ({"reviewed": "no", "status": "done", "model": "a-model"}, ["Deleted", "Old"]),
    ],
)
def test_filters_narrow_the_list(
    as_rita: Client, different: None, filters: dict[str, str], expected: list[str]
) -> None:
    assert titles(as_rita, **filters) == expected


@pytest.mark.parametrize("column", range(1, 10))
def test_every_column_sorts(as_rita: Client, different: None, column: int) -> None:
    assert len(titles(as_rita, o=str(column))) == len(titles(as_rita, o=f"-{column}")) == 5


@pytest.mark.parametrize(("query", "count"), [({}, 7), ({"q": "sky"}, 9)])
def test_more_rows_take_no_more_queries(
    as_rita: Client,
    alice: User,
    query: dict[str, str],
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    talk(alice)
    with django_assert_num_queries(count):
        titles(as_rita, **query)
    for number in range(10):
        talk(User.objects.create_user(f"user{number}"))

    with django_assert_num_queries(count):
        titles(as_rita, **query)
