"""What the database refuses costs the figures that it refuses, and nothing else: no text, no end, no neighbour."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import DataError, Error, IntegrityError, InterfaceError, OperationalError, connection

from conversations.models import Generation
from conversations.models.chat.message import ANSWER
from conversations.models.database_errors import REFUSALS, in_short, is_away
from conversations.models.generation.generation import Status
from conversations.models.generation.partial import Partial, Verdict, save_partials
from conversations.models.generation.plan import StageResult, StageStatus, results_as_json
from tests.conversations.talk import begin

ON_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite takes any length, and NUL")
REFUSED = [
    pytest.param({"completion_tokens": -1}, id="negative"),
    pytest.param({"prompt_tokens": 2**64}, id="huge"),
    pytest.param({"completion_tokens": "many"}, id="no number"),
    pytest.param({"completion_tokens": float("nan")}, id="NaN"),
    pytest.param({"model": "\ud83d"}, id="half an emoji"),
    pytest.param({"finish_reason": "x" * 60}, id="long", marks=ON_POSTGRESQL),
    pytest.param({"model": "a\0b"}, id="NUL", marks=ON_POSTGRESQL),
    pytest.param({"outcomes": {"0": {"model": "a\0b"}}}, id="NUL in JSON", marks=ON_POSTGRESQL),
]


def running(owner: User) -> Generation:
    generation = begin(owner)
    assert generation.claim()
    return generation


def stored(generation: Generation) -> Generation:
    return Generation.objects.get(pk=generation.pk)


@pytest.mark.parametrize("figures", REFUSED)
def test_a_refused_row_neither_rolls_back_nor_loses_its_neighbours(alice: User, figures: dict[str, object]) -> None:
    before, bad, after = running(alice), running(alice), running(alice)
    odd = Partial(bad, {ANSWER: "B"}, figures)

    verdicts = save_partials([Partial(before, {ANSWER: "A"}, {"model": "m"}), odd, Partial(after, {ANSWER: "C"}, {})])

    assert verdicts == dict.fromkeys((before.pk, bad.pk, after.pk), Verdict.GO_ON)
    assert [one.message.texts() for one in (before, bad, after)] == [{ANSWER: "A"}, {ANSWER: "B"}, {ANSWER: "C"}]
    assert stored(before).model == "m"


@pytest.mark.parametrize("figures", REFUSED)
def test_an_end_whose_figures_are_refused_is_stored_without_them(alice: User, figures: dict[str, object]) -> None:
    generation = running(alice)
    done = results_as_json({0: StageResult(StageStatus.DONE, model="m", completion_tokens=7)})
    with pytest.raises(REFUSALS) as refused:
        generation.finish(Status.DONE, {ANSWER: "A"}, **{"outcomes": done, **figures})
    assert not is_away(refused.value)

    assert generation.finish_plainly(Status.DONE, {ANSWER: "A"}, "")

    assert (stored(generation).status, generation.message.texts()) == (Status.DONE, {ANSWER: "A"})


@ON_POSTGRESQL
def test_a_text_that_is_refused_keeps_nobody_waiting(alice: User) -> None:
    bad, good = running(alice), running(alice)

    verdicts = save_partials([Partial(bad, {ANSWER: "a\0b"}, {"model": "m"}), Partial(good, {ANSWER: "A"}, {})])

    assert verdicts == dict.fromkeys((bad.pk, good.pk), Verdict.GO_ON)
    assert good.message.texts() == {ANSWER: "A"}


def caused(error: Error, by: BaseException) -> Error:
    error.__cause__ = by
    return error


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("the words are not looked at")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (caused(OperationalError(), sqlite_error(sqlite3.SQLITE_BUSY)), True),
        (caused(OperationalError(), sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT)), True),
        (caused(OperationalError(), sqlite_error(sqlite3.SQLITE_FULL)), True),
        (caused(OperationalError(), sqlite_error(sqlite3.SQLITE_ERROR)), False),
        (caused(OperationalError(), psycopg.OperationalError("connection refused")), True),
        (caused(OperationalError(), psycopg.errors.AdminShutdown()), True),
        (caused(OperationalError(), psycopg.errors.DeadlockDetected()), True),
        (caused(OperationalError(), psycopg.errors.LockNotAvailable()), True),
        (caused(OperationalError(), psycopg.errors.ProgramLimitExceeded()), False),
        (InterfaceError("connection already closed"), True),
        (caused(IntegrityError(), psycopg.errors.CheckViolation()), False),
        (caused(DataError(), psycopg.errors.NumericValueOutOfRange()), False),
        (OverflowError(), False),
        (ValueError(), False),
    ],
)
def test_a_refusal_for_now_is_told_from_one_for_ever(error: Exception, away: bool) -> None:
    assert is_away(error) is away


def test_a_log_line_does_not_quote_the_row() -> None:
    assert in_short(DataError("value too long\nDETAIL:  Failing row contains (secret)")) == "DataError: value too long"
