"""`make restart` under a running answer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.chatsite.launch.run import NAMES, Run
from tests.harness.processes import ROOT

from ..person import Person

LENGTH = 1000
OURS = {"worker", "background", "beat", "web"}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path / "data", tmp_path).start()
    yield run
    run.end()


def test_everything_is_restarted_under_an_answer_and_the_page_sees_no_error(run: Run, browser: Browser) -> None:
    run.wait_until_ready()
    before = {name: run.pid(name) for name in NAMES}
    user = Person(run, browser, "user")
    user.visit()
    user.send_message("Show me code")  # which web has highlighted by a process of its own
    user.wait_until_idle()
    user.send_message(f"count to {LENGTH} [[demo rate=60]]")
    user.wait_for_text(" 60 ")

    restarted = restart(run)
    page = user.new_tab().goto(run.url)
    user.wait_until_idle()

    assert restarted.returncode == 0, restarted.stderr
    assert {name for name in NAMES if run.pid(name) != before[name]} == OURS
    assert page is not None and page.ok
    assert user.answer_text.split() == [str(n) for n in range(1, LENGTH + 1)]
    assert user.complaints == []


def test_what_does_not_run_is_not_restarted(tmp_path: Path) -> None:
    refused = restart(Run(tmp_path / "data", tmp_path))

    assert refused.returncode == 2
    assert refused.stderr == "Throughline was not restarted: nothing of this folder runs. Start it: make run\n"


def restart(run: Run) -> subprocess.CompletedProcess[str]:
    """Without the port that it was told to listen on: what runs knows."""
    command = [sys.executable, "-m", "chatsite.launch.restart"]
    environment = {name: value for name, value in run.manager.environment.items() if name != "PORT"}
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=200)
