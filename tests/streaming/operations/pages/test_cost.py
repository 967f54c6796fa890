"""What answers cost, as operators see it."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from conversations.models import LedgerEntry
from conversations.models.billing import internal_usage
from conversations.models.billing.budget import today
from conversations.models.billing.internal_usage import Spent
from conversations.models.billing.ledger import Purpose
from streaming.operations.pages import cost
from streaming.operations.queries.days import in_days, midnight
from tests.conversations.billing.conftest import PRICES, limit, line, reserve, settle, wrote

from .test_history import body_of

ONE_TOKEN = Decimal("0.00002")  # of an answer, after ten of a question


@pytest.fixture
def spent(alice: User, bob: User) -> None:
    """Alice's answer of two stages, Bob's that is still written, and one of long ago."""
    answer = reserve(alice, line(0), line(1))
    assert answer
    settle(answer, {0: wrote(1000), 1: wrote(3000)})
    assert reserve(bob)
    old(7)


def old(days: int, cost: str = "1") -> None:
    """An answer of the tier "old", so many days ago."""
    day, amount = today() - timedelta(days), Decimal(cost)
    LedgerEntry.objects.create(
        generation_id=uuid4(),
        stage=0,
        day=day,
        tier="old",
        reserved=0,
        cost=amount,
        baseline_cost=amount,
        state="settled",
    )


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
        internal_usage.record(Spent(Purpose.WARMING, "smart", "a-model", PRICES, 10, 1, 0))
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

    assert (total.cost, total.saved, total.saved_by_cache) == (0, 0, Decimal("0.01"))


def test_todays_use_stands_beside_the_limit(operator: Client, spent: None) -> None:
    limit("12.5")
    page = operator.get("/ops/cost/").content.decode()

    assert "1.04 EUR" in page and "of 12.50 EUR" in page


def test_without_answers_the_page_is_empty(operator: Client) -> None:
    assert operator.get("/ops/cost/").content.decode().count("None yet.") == 4


def test_dear_users_come_first_and_the_dearest_only(
    operator: Client, spent: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bob's answer is still written: nobody knows its cost, which PostgreSQL would sort before all others."""
    monkeypatch.setattr(cost, "MOST_USERS", 1)
    tables = {name: rows for _, name, rows in operator.get("/ops/cost/").context["tables"]}

    assert [row.name for row in tables["users"]] == ["alice"]


# Ranges, the plot and the file


def test_a_longer_range_has_more_days(operator: Client, spent: None) -> None:
    week, month = (operator.get(f"/ops/cost/?range={name}").context for name in ("7d", "30d"))

    assert (week["total"].cost, month["total"].cost) == (Decimal("0.04"), Decimal("1.04"))
    assert (len(week["params"].range.bins), len(month["params"].range.bins)) == (7, 30)
    assert (week["live"], month["live"]) == (True, False)


def test_days_can_be_chosen_and_the_last_one_is_among_them(operator: Client, spent: None) -> None:
    day = today() - timedelta(7)
    context = operator.get(f"/ops/cost/?range=own&begin={day}&end={day}").context

    assert context["total"].cost == 1
    assert context["params"].range.bins == [midnight(day)]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("range=own", "Give both, from when and to when."),
        ("range=own&begin=2026-05-02&end=2026-05-01", "The beginning has to be before the end."),
        ("range=own&begin=2999-05-01&end=2999-05-02", "That is in the future."),
        ("range=1h", "Unknown choice."),
    ],
)
def test_what_is_no_range_is_said(operator: Client, query: str, sentence: str) -> None:
    page = operator.get(f"/ops/cost/?{query}")

    assert f"{sentence} The last 7 days are shown." in page.content.decode()
    assert len(page.context["params"].range.bins) == 7


def test_each_days_cost_is_drawn_by_tier(operator: Client, spent: None) -> None:
    old(1, "0.5")
    plot = operator.get("/ops/cost/").context["plot"]

    assert [(one.label, list(one.values)[-2:]) for one in plot.series] == [("old", [0.5, 0]), ("smart", [0, 0.04])]
    assert [(bar.series, bar.height) for bar in plot.bars] == [(1, 83.333), (2, 6.667)]  # of 0.6


def test_long_ranges_have_bins_of_several_days(operator: Client, spent: None) -> None:
    plot = operator.get("/ops/cost/?range=365d").context["plot"]

    assert plot.title == "Cost of each 4 days"
    assert sum(sum(one.values) for one in plot.series) == pytest.approx(1.04)


def test_days_are_whole_where_clocks_change(settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    scope = in_days(midnight(date(2026, 3, 28)), midnight(date(2026, 3, 31)))

    assert [f"{begin:%m-%d %H:%M %z}" for begin in scope.bins] == [
        *("03-28 00:00 +0100", "03-29 00:00 +0100"),
        "03-30 00:00 +0200",
    ]
    assert scope.number_of(midnight(date(2026, 3, 30))) == 2


def test_the_file_has_each_day(operator: Client, spent: None) -> None:
    response = operator.get("/ops/cost/file/?format=csv")
    *_, last = csv.DictReader(io.StringIO(body_of(response)))

    assert 'filename="throughline-cost-' in response.headers["Content-Disposition"]
    assert (last["Cost of each day: smart"], last["All tiers: answers"], last["All tiers: saved"]) == (
        "0.04",
        "2",
        "0.12",
    )


def test_the_file_of_another_format_is_not_found(operator: Client) -> None:
    assert operator.get("/ops/cost/file/?format=exe").status_code == 404


def test_the_pages_link_to_each_other(operator: Client, otto: User) -> None:
    assert 'href="/ops/cost/"' in operator.get("/ops/").content.decode()
    assert "/admin/conversations/budget/" not in operator.get("/ops/cost/").content.decode()

    User.objects.filter(pk=otto.pk).update(is_staff=True)

    assert "/admin/conversations/budget/" in operator.get("/ops/cost/").content.decode()
