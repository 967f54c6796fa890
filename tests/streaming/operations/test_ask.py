"""`manage.py ask`, alone and against the running site."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from io import StringIO
from threading import Timer

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from conversations.models import Generation
from streaming.management.commands import ask
from streaming.terminal.excerpts import UNSURE
from tests.processes import ROOT
from tests.site import Site

WITHIN_S = 30


def asking(site: Site, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "ask", *arguments]
    env = {**os.environ, **site.env}
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def asked(site: Site, *arguments: str) -> tuple[int, str, str]:
    process = asking(site, *arguments)
    out, err = process.communicate(timeout=WITHIN_S)
    return process.returncode, out, err


# Against the running site


def test_the_answer_comes_while_it_is_written(site: Site) -> None:
    process = asking(site, "[[demo rate=60]] What is a tree?", "--user", "alice")
    assert process.stdout is not None

    beginning = process.stdout.read(10)
    was_running = process.poll() is None
    rest, figures = process.communicate(timeout=WITHIN_S)

    assert was_running and process.returncode == 0 and len(beginning + rest) > 100
    assert "done, " in figures and "s to the first token" in figures and "/c/" in figures


def test_json_has_the_answer_and_its_figures(site: Site) -> None:
    code, out, _ = asked(site, "hello", "--user", "alice", "--json")

    answer = json.loads(out)
    assert (code, answer["status"], answer["model"]) == (0, "done", "demo")
    assert answer["text"] and answer["seconds_to_first_token"] > 0 and answer["completion_tokens"] > 0


def test_thinking_is_no_part_of_the_answer(site: Site) -> None:
    code, out, err = asked(site, "[think] What is a tree?", "--user", "alice")
    _, in_json, _ = asked(site, "[think] What is a tree?", "--user", "alice", "--json")

    answer = json.loads(in_json)
    assert (code, out) == (0, answer["text"] + "\n")
    assert answer["thinking"] in err and answer["thinking"] not in out


def test_a_failure_ends_with_its_sentence(site: Site) -> None:
    code, out, err = asked(site, "[[demo status=429]] hello", "--user", "alice")

    assert (code, out) == (1, "")
    assert "The model server is overloaded." in err


def test_ctrl_c_stops_the_answer(site: Site) -> None:
    process = asking(site, "[[demo rate=20]] Tell me a long story", "--user", "alice")
    assert process.stdout is not None
    process.stdout.read(10)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=WITHIN_S)

    assert process.returncode == ask.EXIT_STOPPED
    assert "Stopping" in err and "stopped, " in err


# Alone: nobody takes the question


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
    monkeypatch.setattr(ask, "SILENCE_S", 0.1)
    Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

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
    with pytest.raises(CommandError, match="nothing to send"):
        call_command("ask", "  ", user="alice")


def test_of_several_stages_the_answer_alone_is_printed(site: Site) -> None:
    code, out, err = asked(site, "Explain how a bridge carries its load", "--user", "alice", "--mode", "deep")

    assert code == 0
    assert out.startswith("This answer about") and "You asked about" not in out + err
    assert "confidence: Mean probability" in err


def test_what_the_model_was_unsure_of_is_coloured_on_demand(site: Site) -> None:
    _, out, err = asked(site, "[[demo rate=400]] Tell me a long story", "--user", "alice", "--force-color")
    _, _, plain = asked(site, "[[demo rate=400]] Tell me a long story", "--user", "alice")

    assert UNSURE in err and UNSURE not in out + plain


def test_earlier_stages_are_shown_on_demand_one_after_the_other(site: Site) -> None:
    code, out, err = asked(site, "count to 40", "--user", "alice", "--mode", "deep", "--stages")
    numbers = "".join(f"{number} " for number in range(1, 41))

    assert (code, out.strip()) == (0, numbers.strip())
    assert err.index(f"{numbers}\n— Draft: done —") < err.index(f"{numbers}\n— Deep answer: done —")
    assert "You chose Deep." in err


def test_json_tells_of_each_stage(site: Site) -> None:
    _, out, _ = asked(site, "count to 9", "--user", "alice", "--mode", "balanced", "--json")

    stages = json.loads(out)["stages"]
    assert [stage["status"] for stage in stages] == ["done", "done"]
    assert [stage["completion_tokens"] for stage in stages] == [9, 9]
    assert stages[0]["tier"] == "default"


def test_a_conversation_goes_on(site: Site) -> None:
    _, first, _ = asked(site, "[echo] one", "--user", "alice", "--json")
    conversation = json.loads(first)["url"].strip("/").rpartition("/")[2]

    _, second, _ = asked(site, "[echo] two", "--user", "alice", "--json", "--conversation", conversation)

    assert json.loads(second)["url"] == json.loads(first)["url"]


def test_an_answer_can_be_fetched_as_a_whole(site: Site) -> None:
    code, out, _ = asked(site, "[echo] all at once", "--user", "alice", "--no-stream")

    assert (code, out) == (0, "all at once\n")


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
