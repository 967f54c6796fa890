"""`make benchmark`, as `python -m chatsite.launch.benchmark`: a site for the occasion, and the benchmark that asks it.

What runs is what `make run` runs, on free ports and with data that goes away with it, beside a demo model server that
keeps a journal. Arguments are those of `manage.py benchmark`.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.core.management import load_command_class
from django.core.management.base import CommandError

from . import InTheWay
from .__main__ import read_settings
from .ready import is_ready
from .restart import running

BASE_DIR = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 90.0
ENDS_WITHIN_S = 30.0
ENDED, INTERRUPTED = 143, 130  # as shells say of a program that a signal ended
PLACES = 4096  # answers at a time: the machine is to be the limit, not a setting


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ENDED))  # by way of every `finally`
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="throughline-benchmark-")))
            settle(folder)
            check(sys.argv[1:])
            journal = folder / "journal"
            os.environ["VLLM_BASE_URL"], model = stack.enter_context(model_server(journal))
            manager = stack.enter_context(site(folder))
            processes = {"model": model, "manager": manager} | {name: found.pid for name, found in running().items()}
            code = benchmark(journal, processes, sys.argv[1:])
    except InTheWay as error:
        print(f"The benchmark cannot start: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def settle(folder: Path) -> None:
    """Settings for this site: of what the shell sets for the real one, nothing reaches it."""
    for name in re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (BASE_DIR / ".env.example").read_text(), re.MULTILINE):
        os.environ.pop(name, None)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="chatsite.settings",
        ENV_FILE="",
        SECRET_KEY=secrets.token_urlsafe(50),
        ALLOWED_HOSTS="127.0.0.1",
        HTTPS="false",
        DATA_DIR=str(folder),
        PORT=str(free_port()),
        GENERATIONS_PER_WORKER=str(PLACES),
        RUNNING_ANSWERS_PER_USER=str(PLACES),
        VLLM_BASE_URL="http://127.0.0.1:9/v1",  # until the model server has told its own
    )
    read_settings()


def check(arguments: Sequence[str]) -> None:
    """Raises InTheWay for arguments that the benchmark would refuse, before anything is started."""
    command: Any = load_command_class("streaming", "benchmark")
    try:
        command.check_wishes(vars(command.create_parser("manage.py", "benchmark").parse_args(arguments)))
    except CommandError as error:
        raise InTheWay(str(error)) from error


@contextmanager
def model_server(journal: Path) -> Iterator[tuple[str, int]]:
    """Its address and process id."""
    command = [sys.executable, "-m", "streaming.demo", "--port", "0", "--max-num-seqs", str(PLACES)]
    process = subprocess.Popen(
        [*command, "--journal", str(journal)], stdout=subprocess.PIPE, text=True, cwd=BASE_DIR, start_new_session=True
    )
    assert process.stdout is not None
    try:
        found = re.search(r"http://\S+", process.stdout.readline())
        if found is None:
            raise InTheWay("the demo model server did not start.")
        yield found[0], process.pid
    finally:
        end(process)


@contextmanager
def site(folder: Path) -> Iterator[int]:
    """The process id of its manager."""
    log = folder / "site.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "chatsite.launch"]
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=BASE_DIR, start_new_session=True)
    try:
        wait_until_ready(process, log)
        yield process.pid
    finally:
        end(process)


def wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while not is_ready():
        if process.poll() is not None or time.monotonic() > until:
            raise InTheWay(f"the site did not become ready.\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def benchmark(journal: Path, processes: dict[str, int], arguments: Sequence[str]) -> int:
    """The command's exit code."""
    named = [f"--process={name}={pid}" for name, pid in processes.items()]
    command = [sys.executable, "manage.py", "benchmark", f"--journal={journal}", *named, *arguments]
    return subprocess.run(command, cwd=BASE_DIR, check=False).returncode


def end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
