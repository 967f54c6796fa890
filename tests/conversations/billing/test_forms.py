"""Budgets in the admin, the ledger that is only read, and what users see of theirs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from conversations.models import Budget
from conversations.models.billing.budget import EXACTLY_ONE, MORE_THAN_ZERO
from tests.conversations.catalog.conftest import errors_of

from .conftest import limit, line, reserve

BUDGETS = "/admin/conversations/budget/"
LEDGER = "/admin/conversations/ledgerentry/"


def add(client: Client, **form: str) -> dict[str, list[str]]:
    return errors_of(client.post(f"{BUDGETS}add/", {"daily_limit": "5", **form}))


def test_an_operator_sets_budgets_for_site_group_and_user(as_otto: Client, alice: User) -> None:
    group = Group.objects.create(name="team")

    assert add(as_otto, whole_site="on") == add(as_otto, group=str(group.pk)) == add(as_otto, user="alice") == {}

    found = [str(budget) for budget in Budget.objects.all()]
    assert sorted(found) == [f"5.00 EUR a day for {scope}" for scope in ("alice", "each of team", "the whole site")]
    assert b"alice" in as_otto.get(f"{BUDGETS}{Budget.objects.get(user=alice).pk}/change/").content


@pytest.mark.parametrize("amount", ["0", "-1", "0.00"])
def test_a_limit_of_nothing_is_refused_with_a_sentence(as_otto: Client, amount: str) -> None:
    assert add(as_otto, whole_site="on", daily_limit=amount) == {"daily_limit": [MORE_THAN_ZERO]}


@pytest.mark.parametrize("amount", ["", "much", "NaN", "Infinity", "1e99"])
def test_a_limit_that_is_no_amount_is_refused(as_otto: Client, amount: str) -> None:
    assert list(add(as_otto, whole_site="on", daily_limit=amount)) == ["daily_limit"]


@pytest.mark.parametrize("form", [{}, {"whole_site": "on", "user": "alice"}])
def test_a_budget_of_none_or_of_two_is_refused(as_otto: Client, alice: User, form: dict[str, str]) -> None:
    assert add(as_otto, **form) == {"__all__": [EXACTLY_ONE]}


def test_a_second_budget_of_the_same_is_refused(as_otto: Client, alice: User) -> None:
    limit("1")
    limit("1", user=alice)

    assert list(add(as_otto, whole_site="on")) == ["__all__"]
    assert list(add(as_otto, user="alice")) == ["user"]
    assert add(as_otto, user="nobody") == {"user": ["There is no user with this name."]}


def test_a_users_budget_is_changed_without_typing_their_name_again(as_otto: Client, alice: User) -> None:
    budget = limit("5", user=alice)
    page = as_otto.get(f"{BUDGETS}{budget.pk}/change/").context["adminform"].form
    sent = {"user": page["user"].value(), "daily_limit": "7"}

    assert as_otto.post(f"{BUDGETS}{budget.pk}/change/", sent).status_code == 302
    assert str(Budget.objects.get()) == "7.00 EUR a day for alice"


def test_the_ledger_is_read_and_never_written(as_otto: Client, as_root: Client, alice: User) -> None:
    assert reserve(alice, line())

    for client in (as_otto, as_root):
        assert b"at most 1.00 EUR" in client.get(LEDGER).content
        assert client.get(f"{LEDGER}add/").status_code == 403


@pytest.mark.parametrize("page", [BUDGETS, LEDGER])
def test_reviewers_see_neither(as_rita: Client, page: str) -> None:
    assert as_rita.get(page).status_code == 403


def test_users_see_their_use_and_their_limit(as_alice: Client, alice: User, bob: User) -> None:
    limit("4", user=alice)
    assert reserve(alice) and reserve(bob)
    page = as_alice.get("/settings/").content.decode()

    assert "<strong>1.00 EUR</strong> of 4.00 EUR" in page
    assert 'value="25"' in page


def test_without_a_limit_the_use_is_told_alone(as_alice: Client) -> None:
    assert "You have no personal limit." in as_alice.get("/settings/").content.decode()


def test_users_are_told_that_the_sites_budget_is_used_up(as_alice: Client, alice: User) -> None:
    limit("1")
    before = as_alice.get("/settings/").content.decode()
    assert reserve(alice)

    assert "is used up" not in before
    assert "is used up" in as_alice.get("/settings/").content.decode()
