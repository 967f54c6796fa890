"""One run from its first to its last breath; the tests stand in the order in which they happen to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from chatsite.launch.checkout import HOME

from .run import NAMES, PATIENCE_S, Run, others_can_reach, wait_until


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    run = Run(tmp_path_factory.mktemp("run") / "data", tmp_path_factory.mktemp("logs"))
    umask = os.umask(0o022)
    try:
        run.start()
    finally:
        os.umask(umask)
    yield run
    run.end()


def test_every_process_runs_and_the_site_answers(run: Run) -> None:
    run.wait_until_ready()

    assert set(run.processes()) == NAMES
    assert httpx.get(f"{run.url}/accounts/login/", trust_env=False, timeout=60).status_code == 200


def test_the_terminal_shows_address_and_accounts(run: Run) -> None:
    said = run.output()

    assert f"Ready: {run.url}" in said
    assert "Demo accounts user, reviewer, operator, admin, password: " in said


def test_everything_it_makes_is_private(run: Run) -> None:
    made = {path.name for path in run.data.iterdir()}

    assert {"db.sqlite3", "redis", "redis.log", "redis.sock", "run.lock"} <= made
    assert others_can_reach(run.data) == []


def test_a_second_start_says_that_it_runs_already(run: Run, tmp_path: Path) -> None:
    code, said = Run(run.data, tmp_path).refused()

    assert code == 2
    assert said.startswith("Throughline cannot start: it runs already, as process ")
    assert run.is_ready()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_what_is_killed_comes_back(run: Run, name: str) -> None:
    run.wait_until_ready()
    killed = run.processes()[name]

    killed.kill()

    wait_until(lambda: run.pid(name) not in {killed.pid, None})


def test_after_a_killed_manager_the_next_start_finds_nothing_left(run: Run) -> None:
    run.wait_until_ready()
    before = [process.pid for process in run.processes().values()]
    orphan = orphan_of(run)

    run.manager.kill()
    run.start()

    assert orphan.wait(PATIENCE_S) == -signal.SIGTERM
    assert not [pid for pid in before if psutil.pid_exists(pid)]
    run.wait_until_ready()
    assert run.output().count("password: ") == 1  # the accounts are those of the first start


def orphan_of(run: Run) -> subprocess.Popen[bytes]:
    """As a process that was not told of its manager's end."""
    environment = {**os.environ, HOME: str(run.data), "SUPERVISOR_PROCESS_NAME": "orphan"}
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=environment)


def test_one_interrupt_ends_everything(run: Run) -> None:
    processes = run.processes()

    run.send(signal.SIGINT)

    assert run.manager.popen is not None
    assert run.manager.popen.wait(PATIENCE_S) == 0
    assert not [process for process in processes.values() if process.is_running()]
