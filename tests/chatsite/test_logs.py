"""Log lines: what they have, in both forms, and what they never have."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from uuid import uuid4

import pytest
from django.db import IntegrityError, OperationalError
from redis.exceptions import ConnectionError, ResponseError, TimeoutError

from chatsite.logs import Expected, Json, Line, words
from streaming.coordination.database import in_database
from streaming.model_servers.vllm.errors import Unreachable, rejection
from streaming.telemetry import correlation

CANARY = "canary of a private text"


def record(message: str, *args: object, name: str = "streaming.here", failed: bool = False) -> logging.LogRecord:
    error = sys.exc_info() if failed else None
    return logging.LogRecord(name, logging.WARNING, __file__, 1, message, args, error)


def as_json(*args: object, failed: bool = False) -> dict[str, str]:
    line = Json("web").format(record(*args, failed=failed))  # type: ignore[arg-type]
    assert "\n" not in line
    fields: dict[str, str] = json.loads(line)
    return fields


# Ids


def test_a_line_has_its_time_process_and_the_ids_of_what_it_is_about() -> None:
    with correlation.about(user=7, request="click", attempt=None):
        told = as_json("%d things", 3)

    assert (told["level"], told["logger"], told["process"]) == ("WARNING", "streaming.here", "web")
    assert (told["user"], told["request"], told["message"]) == ("7", "click", "3 things")
    assert told["time"].endswith("+00:00") and "attempt" not in told and "exception" not in told


def test_ids_that_a_message_names_become_fields() -> None:
    generation = uuid4()

    told = as_json("%s waits: generation %s of user %s", "web", generation, 7)

    assert (told["generation"], told["user"]) == (str(generation), "7")


def test_ids_end_with_what_they_are_about() -> None:
    with correlation.about(generation="g"):
        correlation.add(user=7)
        assert correlation.known() == {"generation": "g", "user": "7"}

    assert correlation.known() == {}


async def test_the_database_threads_know_the_ids_of_who_asked(transactional_db: None) -> None:
    with correlation.about(generation="g"):
        assert await in_database(correlation.known) == {"generation": "g"}
    assert await in_database(correlation.known) == {}


async def test_tasks_side_by_side_do_not_mix_their_ids() -> None:
    async def one(number: int) -> str:
        with correlation.about(user=number):
            await asyncio.sleep(0)
            return as_json("hello")["user"]

    assert await asyncio.gather(*map(one, range(1, 9))) == [str(number) for number in range(1, 9)]


def test_a_readable_line_repeats_no_id() -> None:
    with correlation.about(generation="gggg", user=7):
        line = Line("web").format(record("generation %s begins", "gggg"))

    assert line.endswith("WARNING streaming.here: generation gggg begins [user=7]")


# What is kept out


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (rejection(400, f'{{"error": {{"message": "refused: {CANARY}"}}}}'.encode()), "Rejected: 400 refused"),
        (Unreachable("it broke off"), "Unreachable: it broke off"),
        (ResponseError(f"Command # 1 (XADD log r {CANARY}) of pipeline caused error: OOM no"), "ResponseError: OOM"),
        (IntegrityError(f"Failing row contains ({CANARY})"), "IntegrityError"),
        (ValueError(CANARY), "ValueError"),
        (FileNotFoundError(2, "No such file", CANARY), "FileNotFoundError: No such file"),
        (NameError("name 'x' is not defined"), "NameError: name 'x' is not defined"),
    ],
)
def test_of_an_exception_only_what_is_safe_is_told(error: Exception, told: str) -> None:
    assert words(error) == told
    assert as_json("it failed: %s", error)["message"] == f"it failed: {told}"


@pytest.mark.parametrize("form", [Json("web"), Line("web")])
def test_a_traceback_says_where_and_never_what(form: logging.Formatter) -> None:
    try:
        try:
            raise ValueError(CANARY)
        except ValueError as error:
            raise RuntimeError(CANARY) from error
    except RuntimeError:
        line = form.format(record("generation %s failed", "g", failed=True))

    assert CANARY not in line
    assert "ValueError" in line and "RuntimeError" in line and "test_logs.py" in line


@pytest.mark.parametrize("form", [Line("web"), Json("web")])
def test_of_a_group_each_fault_is_told(form: logging.Formatter) -> None:
    try:
        raise ExceptionGroup(CANARY, [ValueError(CANARY), OSError(2, "No such file")])
    except ExceptionGroup:
        line = form.format(record("failed", failed=True))

    assert CANARY not in line
    assert "ValueError" in line and "FileNotFoundError: No such file" in line


def test_what_a_failed_celery_task_says_is_not_told() -> None:
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        line = record("Task %(name)s raised: %(exc)s", {"name": "sweep", "exc": repr(error)}, failed=True)

    assert Json("worker").format(line).count(CANARY) == 0
    assert json.loads(Json("worker").format(line))["message"] == "Task sweep raised: ValueError"


@pytest.mark.parametrize("error", [ConnectionError("away"), TimeoutError("slow"), OperationalError("gone")])
def test_a_task_that_found_a_store_away_is_a_line(error: Exception) -> None:
    try:
        raise error
    except type(error):
        line = record("Task %(name)s raised: %(exc)s", {"name": "sweep"}, name="celery.app.trace", failed=True)
    line.levelno, line.levelname = logging.ERROR, "ERROR"

    assert Expected().filter(line)
    assert (line.levelname, line.exc_info) == ("WARNING", None)


def test_asyncio_quotes_no_exception() -> None:
    line = record(f"Task exception was never retrieved\nfuture: <ValueError({CANARY!r})>", name="asyncio")

    assert json.loads(Json("web").format(line))["message"] == "Task exception was never retrieved"


def test_a_slip_in_a_format_tells_no_argument() -> None:
    assert as_json("%d tokens", CANARY)["message"] == "%d tokens"
