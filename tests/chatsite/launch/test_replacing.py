"""A process whose event loop stands still is replaced, whatever holds it, and operators are told."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from .run import Run, wait_until

# On this signal, a process looks for a match that takes for ever: no thread of it runs again, nor any handler.
FROZEN = """
import re, signal

def freeze(number, frame):
    re.match("(a+)+$", "a" * 60 + "b")

signal.signal(signal.SIGUSR2, freeze)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("replacing")
    (folder / "code").mkdir()
    (folder / "code" / "sitecustomize.py").write_text(FROZEN)
    run = Run(folder / "data", folder, FROZEN_AFTER_S="5", PYTHONPATH=str(folder / "code"))
    yield run.start()
    run.end()


def told_to_operators(run: Run, pid: int, session: str) -> bool:
    with httpx.Client(base_url=run.url, cookies={"sessionid": session}, trust_env=False, timeout=60) as operator:
        page = operator.get("/ops/processes/").text
    return f"process {pid}" in page and ">replaced<" in page


@pytest.mark.parametrize(
    ("name", "number"), [("web", signal.SIGUSR2), ("web", signal.SIGSTOP), ("worker", signal.SIGSTOP)]
)
def test_a_process_that_stands_still_is_replaced(run: Run, name: str, number: signal.Signals) -> None:
    run.wait_until_ready()
    pid = run.pid(name)
    assert pid

    os.kill(pid, number)

    wait_until(lambda: run.pid(name) not in (pid, None))
    wait_until(run.is_ready)
    assert f"{name} (process {pid}) stood still for" in run.output()
    session = run.cookie("operator")
    wait_until(lambda: told_to_operators(run, pid, session))


def test_the_terminal_says_where_it_stood(run: Run) -> None:
    assert "sitecustomize.py" in run.output()
