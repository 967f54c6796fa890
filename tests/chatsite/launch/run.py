"""What `make run` starts, in a data folder of its own and on free ports."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

from tests.harness.processes import Process, free_port

NAMES = {"redis", "model", "worker", "background", "beat", "web"}
PATIENCE_S = 120.0
DEMO_PASSWORD = "a-secret-of-tests"


class Run:
    def __init__(self, data: Path, logs: Path, **environment: str):
        self.port, self.model_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = data
        env = {
            "DJANGO_SETTINGS_MODULE": "chatsite.settings",
            "ENV_FILE": "",
            "SECRET_KEY": "only-for-tests-" + "x" * 50,
            "DEBUG": "true",
            "DATABASE_URL": "",
            "VLLM_BASE_URL": "",
            "DATA_DIR": str(data),
            "DEMO_PASSWORD": DEMO_PASSWORD,
            "PORT": str(self.port),
            "DEMO_MODEL_PORT": str(self.model_port),
            **environment,
        }
        self.manager = Process("run", [sys.executable, "-m", "chatsite.launch"], logs, env)

    def start(self) -> Run:
        before = self.output().count("Ready: ")
        self.manager.start().wait_until(lambda: self.output().count("Ready: ") > before)
        return self

    def refused(self) -> tuple[int, str]:
        """Exit code and words of a start that does not come to it."""
        process = self.manager.start().popen
        assert process is not None
        try:
            return process.wait(PATIENCE_S), self.output()
        finally:
            self.end()

    def output(self) -> str:
        return self.manager.output()

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=5).json()["status"] == "ready"
        except (httpx.HTTPError, ValueError):
            return False

    def cookie(self, name: str) -> str:
        """A session of a demo account."""
        with httpx.Client(base_url=self.url, trust_env=False, timeout=60) as visitor:
            visitor.get("/accounts/login/")
            form = {"login": name, "password": DEMO_PASSWORD, "csrfmiddlewaretoken": visitor.cookies["csrftoken"]}
            assert visitor.post("/accounts/login/", data=form).status_code == 302
            return visitor.cookies["sessionid"]

    def wait_until_ready(self) -> None:
        wait_until(self.is_ready)

    def processes(self) -> dict[str, psutil.Process]:
        """The manager's, by name; those that died are not among them."""
        assert self.manager.popen is not None
        found = {}
        for process in psutil.Process(self.manager.popen.pid).children():
            with suppress(psutil.Error, KeyError):
                found[process.environ()["SUPERVISOR_PROCESS_NAME"]] = process
        return found

    def pid(self, name: str) -> int | None:
        """None while it is dead."""
        process = self.processes().get(name)
        return process and process.pid

    def send(self, number: signal.Signals) -> None:
        """To the terminal's process group, as Ctrl-C does."""
        self.manager.send(number)

    def end(self) -> None:
        self.manager.stop()


def others_can_reach(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.rglob("*")) if path.lstat().st_mode & 0o077 and not path.is_symlink()]


def wait_until(come: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not come():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.1)
