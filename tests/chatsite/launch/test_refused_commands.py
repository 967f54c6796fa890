"""A command that cannot work says why in one sentence: no traceback for what is set up wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from .test_private import python

COMMANDS = (
    ("createsuperuser", "--noinput", "--username", "a", "--email", "a@example.com"),
    ("clearsessions",),
    ("ask", "hello", "--user", "a"),
)


CELERY = (("worker",), ("beat",), ("inspect", "ping"))


def refused(command: tuple[str, ...], code: int, program: tuple[str, ...] = ("manage.py",), **environment: str) -> str:
    """The one line that it says."""
    ended = python(*program, *command, **environment)

    assert (ended.returncode, ended.stderr.count("\n")) == (code, 1), ended.stderr
    return ended.stderr


@pytest.mark.parametrize("command", CELERY)
def test_celery_without_a_secret_key(command: tuple[str, ...]) -> None:
    celery = ("-m", "celery", "-A", "chatsite")

    assert refused(command, 2, celery, SECRET_KEY="").startswith("SECRET_KEY is not set.")


@pytest.mark.parametrize("command", [("createsuperuser",), ("migrate",), ("collectstatic", "--noinput"), ("shell",)])
def test_without_a_secret_key(command: tuple[str, ...]) -> None:
    assert refused(command, 2, SECRET_KEY="").startswith("SECRET_KEY is not set.")


def test_without_hosts_in_production() -> None:
    assert refused(("createsuperuser",), 2, DEBUG="false", ALLOWED_HOSTS="").startswith("ALLOWED_HOSTS is not set")


@pytest.mark.parametrize("command", COMMANDS)
def test_before_the_database_was_migrated(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = refused(command, 1, DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3")

    assert said == "The database lacks what this version needs. Run this first: python manage.py migrate\n"


@pytest.mark.parametrize("command", [("migrate",), *COMMANDS[:1]])
def test_without_a_database(command: tuple[str, ...]) -> None:
    away = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", "DATABASE_TIMEOUT_S": "1"}

    assert refused(command, 1, **away).startswith("The database cannot be used (")


def test_help_needs_nothing() -> None:
    assert python("manage.py", "help", SECRET_KEY="").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("manage.py", "measure_answers", "--limit", "-1"), "'-1' is no number above 0"),
        (("manage.py", "measure_answers", "--at-once", "0"), "'0' is no number above 0"),
        (("-m", "streaming.demo", "--port", "99999"), "'99999' is no whole number from 0 to 65535"),
        (("-m", "streaming.demo", "--rate", "nan"), "'nan' is no number of at least 0"),
        (("-m", "streaming.demo", "--max-num-seqs", "0"), "'0' is no whole number of at least 1"),
    ],
)
def test_a_number_out_of_bounds_is_refused(arguments: tuple[str, ...], said: str) -> None:
    ended = python(*arguments)

    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].endswith(said)
