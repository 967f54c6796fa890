"""`manage.py ask` against the running site."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

from streaming.management.commands import ask
from streaming.terminal.excerpts import UNSURE
from tests.harness.processes import ROOT
from tests.harness.site import PATIENCE_S, Site


def asking(site: Site, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "ask", *arguments]
    env = {**os.environ, **site.env}
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def asked(site: Site, *arguments: str) -> tuple[int, str, str]:
    ended = site.console.run("ask", *arguments)
    return ended.returncode, ended.stdout, ended.stderr


def test_the_answer_comes_while_it_is_written(site: Site) -> None:
    process = asking(site, "[[demo rate=60]] What is a tree?", "--user", "alice")
    assert process.stdout is not None

    beginning = process.stdout.read(10)
    was_running = process.poll() is None
    rest, figures = process.communicate(timeout=PATIENCE_S)

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
    _, err = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == ask.EXIT_STOPPED
    assert "Stopping" in err and "stopped, " in err


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
