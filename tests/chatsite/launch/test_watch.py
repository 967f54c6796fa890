"""deploy/watch.py: the watchdog for managers that have none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.harness.processes import ROOT

# Tells that it lives, and freezes for good; the next one says what it was told, and ends.
PROGRAM = """
import os, re, signal, socket, sys
if os.environ.get("REPLACED_PROCESS"):
    print(os.environ["REPLACED_PROCESS"], flush=True)
    sys.exit(7)
if os.environ["PROCESS_NAME"] == "ended":
    signal.signal(signal.SIGTERM, lambda *_: None)
    os.kill(os.getppid(), signal.SIGTERM)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.sendto(f"WATCHDOG=1\\nX_PID={os.getpid()}".encode(), os.environ["NOTIFY_SOCKET"])
print(os.getpid(), flush=True)
re.match("(a+)+$", "a" * 60 + "b")
"""


@pytest.fixture
def watched(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    after_s, _, name = request.param.partition(" ")
    env = {**os.environ, "FROZEN_AFTER_S": after_s, "PROCESS_NAME": name or "worker"}
    command = [sys.executable, "deploy/watch.py", sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdout=-1, stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("watched", ["1"], indirect=True)
def test_a_frozen_program_is_replaced_and_its_exit_code_passed_on(watched: subprocess.Popen[str]) -> None:
    assert watched.stdout
    pid = int(watched.stdout.readline())

    told = json.loads(watched.stdout.readline())

    assert (told["name"], told["pid"]) == ("worker", pid)
    assert watched.wait(60) == 7


@pytest.mark.parametrize("watched", ["600"], indirect=True)
def test_its_end_is_the_programs_end(watched: subprocess.Popen[str]) -> None:
    assert watched.stdout
    pid = int(watched.stdout.readline())

    watched.send_signal(signal.SIGTERM)

    assert watched.wait(60) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("watched", ["1 ended"], indirect=True)
def test_one_that_freezes_as_it_ends_is_killed_and_not_replaced(watched: subprocess.Popen[str]) -> None:
    assert watched.wait(60) in (128 + signal.SIGABRT, 128 + signal.SIGKILL)
