"""The sidebar: one's own conversations, by age, and what a search finds among them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from conversations.models import Conversation
from conversations.pages.groups import LISTED, sidebar_list
from tests.conversations.talk import answer_of, begin, click, days_ago, talk


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock goes on from today's noon, so that no midnight comes in the middle of a test."""
    now, begun = timezone.now, timezone.now()
    midday = begun.replace(hour=12, minute=0)
    monkeypatch.setattr(timezone, "now", lambda: midday + (now() - begun))


def listed(client: Client, query: str = "") -> dict[str, list[str]]:
    groups = client.get("/sidebar/", {"q": query}).context["sidebar"].groups
    return {label: [row.title for row in rows] for label, rows in groups}


def test_conversations_are_grouped_by_age_with_the_latest_first(as_alice: Client, alice: User) -> None:
    for age in (0, 0.00001, 1, 3, 20):
        talk(alice, used_at=days_ago(age), title=str(age))
    talk(alice, used_at=days_ago(50), pinned_at=timezone.now(), title="pinned")

    assert list(listed(as_alice).items()) == [
        ("Pinned", ["pinned"]),
        ("Today", ["0", "1e-05"]),
        ("Yesterday", ["1"]),
        ("Previous 7 days", ["3"]),
        ("Previous 30 days", ["20"]),
    ]


@pytest.mark.parametrize(
    ("age", "label"), [(-1, "Today"), (2, "Previous 7 days"), (7, "Previous 7 days"), (8, "Previous 30 days")]
)
def test_a_group_ends_with_its_last_day(as_alice: Client, alice: User, age: int, label: str) -> None:
    talk(alice, used_at=days_ago(age))

    assert list(listed(as_alice)) == [label]


def test_thirty_days_ago_is_not_yet_a_month(as_alice: Client, alice: User) -> None:
    talk(alice, used_at=days_ago(30), title="30")
    talk(alice, used_at=days_ago(31), title="31")

    (recent, titles), (_, older) = listed(as_alice).items()
    assert (recent, titles, older) == ("Previous 30 days", ["30"], ["31"])


def test_what_was_pinned_last_comes_first(as_alice: Client, alice: User) -> None:
    talk(alice, pinned_at=days_ago(2), title="Before")
    talk(alice, pinned_at=days_ago(1), used_at=days_ago(9), title="Last")

    assert listed(as_alice) == {"Pinned": ["Last", "Before"]}


def test_asking_brings_a_conversation_to_the_top(as_alice: Client, alice: User) -> None:
    asked = talk(alice, used_at=days_ago(9), title="Asked")
    talk(alice, used_at=days_ago(1), title="Other")

    asked.regenerate(answer_of(asked).pk, click())

    assert listed(as_alice) == {"Today": ["Asked"], "Yesterday": ["Other"]}


@pytest.mark.parametrize(
    ("zone", "label"),
    [
        ("Asia/Tokyo", "Today"),  # 21:00 there, and 08:00 when it was used
        ("Pacific/Honolulu", "Yesterday"),
        ("America/Los_Angeles", "Yesterday"),
        ("Asia/Calcutta", "Today"),  # as browsers still call it
        *(
            (name, "Yesterday")
            for name in ("", "Etc/Unknown", "../../etc/passwd", "/etc/localtime", "utc\0", "x" * 4000)
        ),
    ],
)
def test_days_are_the_readers(as_alice: Client, alice: User, zone: str, label: str) -> None:
    as_alice.cookies["timezone"] = zone
    talk(alice, used_at=timezone.now().replace(hour=23, minute=0) - timedelta(days=1))

    assert list(listed(as_alice)) == [label]


def test_a_page_tells_in_which_zone_it_was_made(as_alice: Client) -> None:
    as_alice.cookies["timezone"] = "Asia/Tokyo"

    assert 'data-timezone="Asia/Tokyo"' in as_alice.get("/").content.decode()


def test_older_ones_are_grouped_by_month(as_alice: Client, alice: User) -> None:
    talk(alice, used_at=datetime(2020, 2, 29, tzinfo=UTC))

    assert list(listed(as_alice)) == ["February 2020"]


def test_days_begin_at_the_sites_midnight(settings: Settings, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 5, 2, 0, 30, tzinfo=UTC))  # 09:30 in Tokyo
    talk(alice, used_at=datetime(2026, 5, 1, 16, 0, tzinfo=UTC))  # 01:00 of the same day there

    assert [label for label, _ in sidebar_list(alice).groups] == ["Today"]


def test_nobody_elses_are_listed_and_no_deleted_ones(as_alice: Client, alice: User, bob: User) -> None:
    talk(bob, title="Bob's")
    talk(alice, title="Deleted", deleted_at=timezone.now())

    assert listed(as_alice) == {}


def test_a_search_finds_titles_and_texts_of_ones_own(as_alice: Client, alice: User, bob: User) -> None:
    talk(alice, "About whales", title="One")
    talk(alice, title="Whales")
    talk(alice, title="Three")
    talk(bob, "About whales", title="Bob's")

    assert listed(as_alice, "whale") == {"Today": ["Whales", "One"]}


def test_a_search_without_a_find_says_so(as_alice: Client, conversation: Conversation) -> None:
    response = as_alice.get("/sidebar/", {"q": "<whale>\0"})

    assert response.context["sidebar"].query == "<whale>"
    assert b"<whale>" not in response.content


def test_it_tells_which_one_is_being_written(as_alice: Client, alice: User, conversation: Conversation) -> None:
    begin(alice)

    rows = as_alice.get("/sidebar/").context["sidebar"].groups[0][1]

    assert [row.is_being_written for row in rows] == [True, False]


def test_it_is_read_with_one_query_and_has_an_end(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Conversation.objects.bulk_create(Conversation(owner=alice) for _ in range(LISTED + 5))

    with django_assert_num_queries(1):
        listed = sidebar_list(alice)

    assert sum(len(rows) for _, rows in listed.groups) == LISTED
    assert listed.next_limit == 2 * LISTED


def test_older_ones_are_listed_when_they_are_wanted(as_alice: Client, alice: User) -> None:
    Conversation.objects.bulk_create(Conversation(owner=alice, title=f"Talk {n}") for n in range(LISTED + 5))

    first = as_alice.get("/sidebar/").content.decode()
    more = as_alice.get("/sidebar/", {"limit": 2 * LISTED}).content.decode()

    assert (first.count("data-entry"), more.count("data-entry")) == (LISTED, LISTED + 5)
    assert "Show older chats" in first
    assert "Show older chats" not in more


@pytest.mark.parametrize("limit", ["-1", "0", "many", "9999999", "²"])
def test_a_limit_that_makes_no_sense_is_passed_over(as_alice: Client, alice: User, limit: str) -> None:
    talk(alice)

    assert "data-entry" in as_alice.get("/sidebar/", {"limit": limit}).content.decode()
