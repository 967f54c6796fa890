"""What is stored is readable for its own user alone; what is wider is mended or refused."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chatsite.private import close_own
from tests.harness.processes import ROOT

from .run import NAMES, PATIENCE_S, Run, others_can_reach

PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "chatsite.settings",
    "ENV_FILE": "",
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
    "DEBUG": "true",
    "DATABASE_URL": "",
}


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **PRODUCTION, **environment}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, umask=0o022, check=False
    )


def test_a_run_closes_a_deep_folder_of_an_earlier_version_and_ends_with_its_terminal(tmp_path: Path) -> None:
    data = folder_of_before(tmp_path / ("deep and wide" * 9) / "it's here")
    run = Run(data, tmp_path)
    try:
        said = run.start().output()
        run.wait_until_ready()
        processes = run.processes()
        run.send(signal.SIGHUP)  # the terminal is closed

        assert run.manager.popen is not None and run.manager.popen.wait(PATIENCE_S) == 0
    finally:
        run.end()

    assert said.count(f"Throughline closed {data} to other users") == 1
    assert others_can_reach(data) == []
    assert set(processes) == NAMES
    assert not [process for process in processes.values() if process.is_running()]


def test_a_run_does_not_touch_a_folder_that_holds_other_things(tmp_path: Path) -> None:
    data = folder_of_before(tmp_path)
    (data / "somebody's letters.txt").touch(0o644)

    code, said = Run(data, tmp_path).refused()

    assert code == 2
    assert said.startswith(f"Throughline cannot start: {data} holds conversations")
    assert f"chmod -R go= '{data}'" in said and said.count("\n") == 1
    assert stat.S_IMODE(data.stat().st_mode) == 0o755


@pytest.mark.parametrize(
    "command",
    [
        ("manage.py", "migrate"),
        ("manage.py", "shell", "-c", "1"),
        ("-m", "celery", "-A", "chatsite.celery", "worker", "--pool", "solo"),
        ("-m", "celery", "-A", "chatsite.celery", "beat", "--pidfile="),
        ("-m", "chatsite.web", "-p", "0", "chatsite.asgi:application"),
    ],
)
def test_every_process_refuses_a_wider_folder(tmp_path: Path, command: tuple[str, ...]) -> None:
    data = folder_of_before(tmp_path)

    ended = python(*command, DATA_DIR=str(data))

    assert ended.returncode == 2
    assert f"chmod -R go= '{data}'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_file_that_was_copied_back_is_refused_and_closed_by_a_run(tmp_path: Path) -> None:
    data = folder_of_before(tmp_path)
    data.chmod(0o700)

    refused = python("manage.py", "check", DATA_DIR=str(data))
    closed = close_own(data)

    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert f"chmod -R go= '{data}/db.sqlite3'" in refused.stderr
    assert closed.startswith(f"Throughline closed {data} to other users")
    assert others_can_reach(data) == []


def test_a_database_elsewhere_is_looked_at_too(tmp_path: Path) -> None:
    database = tmp_path / "elsewhere.sqlite3"
    database.touch()
    database.chmod(0o644)

    ended = python("manage.py", "check", DATA_DIR=str(tmp_path / "data"), DATABASE_URL=f"sqlite:///{database}")

    assert ended.returncode == 2
    assert ended.stderr == (
        f"{database} is the database, and other users of this machine can get at it (mode 644). "
        f"Close it: chmod -R go= '{database}'\n"
    )


def test_collected_files_alone_are_no_data(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "static").mkdir(parents=True)
    data.chmod(0o755)

    assert python("manage.py", "check", DATA_DIR=str(data)).returncode == 0


def folder_of_before(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    (data / "redis").mkdir(parents=True)
    (data / "db.sqlite3").touch()
    for path in (data, *data.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return data


@pytest.mark.parametrize("inside", [(), ("vllm", "static")])
def test_an_empty_folder_is_closed_without_a_word(tmp_path: Path, inside: tuple[str, ...]) -> None:
    for name in inside:
        (tmp_path / name).mkdir()
    tmp_path.chmod(0o755)

    assert close_own(tmp_path) == ""
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
