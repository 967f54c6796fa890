"""What answers cost, as operators see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conversations.models import LedgerEntry, sites_own
from conversations.models.budget import today
from conversations.models.ledger import Purpose
from conversations.models.sites_own import Spent
from tests.conversations.budgets.conftest import PRICES, limit, line, reserve, settle, wrote

ONE_TOKEN = Decimal("0.00002")  # of an answer, after ten of a question


@pytest.fixture
def spent(alice: User, bob: User) -> None:
    """Alice's answer of two stages, Bob's that is still written, and one of long ago."""
    answer = reserve(alice, line(0), line(1))
    assert answer
    settle(answer, {0: wrote(1000), 1: wrote(3000)})
    assert reserve(bob)
    LedgerEntry.objects.create(generation_id=uuid4(), stage=0, day=today() - timedelta(30), tier="old", reserved=0)


def test_costs_are_told_by_tier_user_and_day(operator: Client, spent: None) -> None:
    context = operator.get("/ops/cost/").context
    tables = {name: rows for _, name, rows in context["tables"]}

    assert [(row.name, row.answers, row.tokens_out, row.cost) for row in tables["tiers"]] == [
        ("smart", 2, 4000, Decimal("0.04"))
    ]
    assert {row.name: row.cost for row in tables["users"]} == {"alice": Decimal("0.04"), "bob": 0}
    assert [row.name for row in tables["days"]] == [today()]


def test_what_the_site_asks_for_itself_has_a_name(operator: Client, spent: None) -> None:
    for _ in range(2):
        sites_own.note(Spent(Purpose.WARMING, "smart", "a-model", PRICES, 10, 1, 0))
    context = operator.get("/ops/cost/").context
    tables = {name: rows for _, name, rows in context["tables"]}

    assert {row.name: row.cost for row in tables["purposes"]} == {"Answer": Decimal("0.04"), "Warming": 2 * ONE_TOKEN}
    assert {row.name: row.answers for row in tables["users"]} == {"alice": 1, "bob": 1, "the site itself": 0}
    assert context["total"].saved == Decimal("0.12")


def test_what_routing_saved_is_told(operator: Client, spent: None) -> None:
    page = operator.get("/ops/cost/")

    assert page.context["total"].saved == Decimal("0.12")  # of 0.16
    assert "0.12 EUR" in page.content.decode() and "75 %" in page.content.decode()


def test_what_the_cache_saved_is_told_apart(operator: Client, alice: User) -> None:
    kept = reserve(alice, line(0))
    assert kept
    settle(kept, {0: replace(wrote(1000), cached=True)})

    total = operator.get("/ops/cost/").context["total"]

    assert (total.cost, total.saved, total.spared) == (0, 0, Decimal("0.01"))


def test_todays_use_stands_beside_the_limit(operator: Client, spent: None) -> None:
    limit("12.5")
    page = operator.get("/ops/cost/").content.decode()

    assert "1.04 EUR" in page and "of 12.50 EUR" in page


def test_without_answers_the_page_is_empty(operator: Client) -> None:
    assert operator.get("/ops/cost/").content.decode().count("None yet.") == 4


def test_the_pages_link_to_each_other(operator: Client, otto: User) -> None:
    assert 'href="/ops/cost/"' in operator.get("/ops/").content.decode()
    assert "/admin/conversations/budget/" not in operator.get("/ops/cost/").content.decode()

    User.objects.filter(pk=otto.pk).update(is_staff=True)

    assert "/admin/conversations/budget/" in operator.get("/ops/cost/").content.decode()
