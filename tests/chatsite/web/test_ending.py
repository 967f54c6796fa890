"""A web process ends when it is told to, whatever runs in it."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.harness.processes import Process, free_port, listens

HANGING = 12
PATIENCE_S = 60.0


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def process(port: int, tmp_path: Path) -> Iterator[Process]:
    command = [sys.executable, "-m", "chatsite.web", "-b", "127.0.0.1", "-p", str(port), "--access-log", "/dev/null"]
    env = {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    process = Process("stuck", [*command, "tests.chatsite.web.stuck:application"], tmp_path, env)
    yield process.start().wait_until(listens(port))
    process.kill()


def ask(port: int, path: str) -> socket.socket:
    visitor = socket.create_connection(("127.0.0.1", port))
    visitor.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return visitor


def exit_code(process: Process) -> int:
    process.send(signal.SIGTERM)
    assert process.popen
    return process.popen.wait(PATIENCE_S)


def test_threads_that_wait_for_the_loop_do_not_keep_it(port: int, process: Process) -> None:
    with ExitStack() as stack, httpx.Client(trust_env=False, timeout=60) as other:
        for _ in range(HANGING):
            stack.enter_context(ask(port, "/threads"))
        while other.get(f"http://127.0.0.1:{port}/").json() < HANGING:
            pass

        assert exit_code(process) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_a_loop_that_stands_still_is_ended_hard(port: int, process: Process) -> None:
    with ask(port, "/loop"):
        process.wait_until(lambda: "stands still" in process.output())

        assert exit_code(process) == 1

    assert "stuck.py" in process.output()  # where it stood
