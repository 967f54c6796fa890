"""`manage.py` on a site under test, without a start of Django for each command: one process has loaded the site, and
forks for every command, which so runs and ends in a process of its own."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Lock

import django

from tests.harness.processes import ROOT


class Console:
    """Its process starts with the first command."""

    def __init__(self, env: dict[str, str]):
        self._env = env
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory(prefix="throughline-console-") as folder, self._lock:
            out, err = Path(folder) / "out", Path(folder) / "err"
            process = self._process = self._process or self._start()
            assert process.stdin and process.stdout
            print(json.dumps([arguments, str(out), str(err)]), file=process.stdin, flush=True)
            code = int(process.stdout.readline())
            return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())

    def _start(self) -> subprocess.Popen[str]:
        command, env = [sys.executable, "-m", "tests.harness.console"], {**os.environ, **self._env}
        return subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def stop(self) -> None:
        if self._process:
            self._process.communicate()  # its input ends, and so does it


def serve() -> None:
    django.setup()
    for line in sys.stdin:
        arguments, out, err = json.loads(line)
        child = os.fork()
        if not child:
            redirect(out, err)
            sys.argv = ["manage.py", *arguments]
            runpy.run_path("manage.py", run_name="__main__")
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def redirect(out: str, err: str) -> None:
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), number)


if __name__ == "__main__":
    serve()
