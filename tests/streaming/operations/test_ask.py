"""`manage.py ask` alone: nobody takes the question."""

from __future__ import annotations

import re
import signal
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from conversations.models import Generation
from streaming.management.commands import ask


def test_that_no_worker_takes_it_is_said(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "UNTAKEN_S", 0.1)

    with pytest.raises(CommandError, match=r"No worker took it .* kept in /c/"):
        call_command("ask", "hello", user="alice")

    assert Generation.objects.get().status == "queued"


def test_that_redis_is_away_is_said(alice: User, monkeypatch: pytest.MonkeyPatch, no_redis: None) -> None:
    monkeypatch.setattr(ask, "UNTAKEN_S", 0.1)

    with pytest.raises(CommandError, match="Redis does not answer"):
        call_command("ask", "hello", user="alice")


def test_ctrl_c_takes_a_waiting_question_back(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    presses = iter([signal.SIGINT])  # when it follows the answer
    monkeypatch.setattr(ask.Following, "_check_workers", lambda _: [signal.raise_signal(each) for each in presses])
    monkeypatch.setattr(ask, "SILENCE_S", 0.1)

    with pytest.raises(SystemExit) as ending:
        call_command("ask", "hello", user="alice", stdout=StringIO(), stderr=StringIO())

    assert ending.value.code == ask.EXIT_STOPPED
    assert Generation.objects.get().status == "stopped"


def test_the_first_superuser_asks_unless_somebody_is_named(db: None) -> None:
    with pytest.raises(CommandError, match="There is no superuser"):
        call_command("ask", "hello")
    with pytest.raises(CommandError, match="no active user named nobody"):
        call_command("ask", "hello", user="nobody")


def test_an_empty_question_is_refused(alice: User) -> None:
    with pytest.raises(CommandError, match="Write a message first"):
        call_command("ask", "  ", user="alice")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "huge"], "There is no tier huge. There are: default."),
        (["--conversation", "8f14e45f-ceea-467f-9575-1c9b1c2f0f10"], "alice has no conversation 8f14e45f-"),
    ],
)
def test_what_is_not_there_is_said(alice: User, options: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=re.escape(said)):
        call_command("ask", "Why?", "--user", "alice", *options)

    assert not Generation.objects.exists()
