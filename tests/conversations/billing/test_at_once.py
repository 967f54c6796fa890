"""Many answers at once, in threads on a real database: the limit holds, and no unit is lost."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection

from conversations.models import LedgerEntry

from .conftest import entered, limit, line, reserve, settle, used, wrote

AT_ONCE = 8

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def users(transactional_db: None) -> list[User]:
    return [User.objects.create_user(f"user{number}") for number in range(3)]


def test_of_many_reservations_as_many_succeed_as_the_limit_allows(users: list[User]) -> None:
    limit("5")  # each wants 1

    found = at_once(lambda number: reserve(users[number % 3]), range(24))

    assert len([generation for generation in found if generation]) == 5
    assert used() == entered() == Decimal(5)
    assert sum(used(user) for user in users) == Decimal(5)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_reserved_and_settled_no_limit_is_passed_and_no_unit_lost(users: list[User], seed: int) -> None:
    limit("4")
    limit("1.5", user=users[0])
    over: list[str] = []

    at_once(lambda number: life(users, random.Random(f"{seed}-{number}"), over), range(40))

    assert over == []
    assert used() == entered()
    assert sum(used(user) for user in users) == used()
    assert not LedgerEntry.objects.filter(state="reserved").exists()


def life(users: list[User], chance: random.Random, over: list[str]) -> None:
    """Of an answer with up to three stages, which end as it happens, some of them twice."""
    user = chance.choice(users)
    sizes = [chance.randint(1, 60_000) for _ in range(chance.randint(1, 3))]
    generation = reserve(user, *(line(stage, chance.randint(0, 999), size) for stage, size in enumerate(sizes)))
    if used() > 4 or used(users[0]) > Decimal("1.5"):
        over.append(f"{used()} of the site, {used(users[0])} of the user")
    if generation:
        outcomes = {stage: wrote(chance.randint(0, size), "done") for stage, size in enumerate(sizes)}
        for _ in range(chance.randint(1, 2)):
            settle(generation, outcomes)


def test_of_many_that_settle_one_counts(users: list[User]) -> None:
    generation = reserve(users[0])
    assert generation

    found = at_once(lambda _: settle(generation, {0: wrote(1000)}), range(AT_ONCE))

    assert sorted(found) == [*[0] * (AT_ONCE - 1), 1]
    assert used() == used(users[0]) == entered() == Decimal("0.01")


def test_what_is_given_back_can_be_had_again(users: list[User]) -> None:
    limit("1")

    def one_after_the_other(_: int) -> UUID | None:
        generation = reserve(users[0])
        if generation:
            settle(generation)
        return generation

    assert any(at_once(one_after_the_other, range(AT_ONCE)))
    assert used() == 0
    assert reserve(users[1])


def at_once(work: Callable[[int], Any], numbers: range) -> list[Any]:
    """What each call returned; the first of them begin together."""
    barrier = threading.Barrier(min(AT_ONCE, len(numbers)))
    seen = threading.local()

    def run(number: int) -> Any:
        if not hasattr(seen, "begun"):
            seen.begun = True
            barrier.wait(10)
        return work(number)

    def close(_: int) -> None:
        barrier.wait(10)
        connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = list(threads.map(run, numbers))
        list(threads.map(close, range(AT_ONCE)))
    return found
