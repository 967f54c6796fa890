"""`make benchmark` is `python -m chatsite.launch.benchmark`: it starts a temporary site and runs the benchmark on it.

The site runs the same processes as `make run`, on free ports and with temporary data, beside a demo model server that
keeps a journal.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from . import InTheWay
from .__main__ import read_settings
from .ready import is_ready
from .restart import running

BASE_DIR = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 240.0
ENDS_WITHIN_S = 30.0
TERMINATED, INTERRUPTED = 143, 130  # exit codes, as shells report SIGTERM and SIGINT
PLACES = 4096  # concurrent answers: so many that the machine is the limit, not a setting


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # runs every `finally`
    try:
        with tempfile.TemporaryDirectory(prefix="throughline-benchmark-") as folder:
            apply_settings(folder)
            benchmark(Path(folder))
    except InTheWay as error:
        print(f"The benchmark cannot start: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("The benchmark was interrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)


def apply_settings(folder: str) -> None:
    """Configures this site; variables that the shell sets for the real one are removed first."""
    for name in re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (BASE_DIR / ".env.example").read_text(), re.MULTILINE):
        os.environ.pop(name, None)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="chatsite.settings",
        ENV_FILE="",
        SECRET_KEY=secrets.token_urlsafe(50),
        ALLOWED_HOSTS="127.0.0.1",
        HTTPS="false",
        DATA_DIR=folder,
        PORT=str(free_port()),
        GENERATIONS_PER_WORKER=str(PLACES),
        RUNNING_ANSWERS_PER_USER=str(PLACES),
        VLLM_BASE_URL="http://127.0.0.1:9/v1",  # replaced once the model server has printed its address
    )
    read_settings()


def benchmark(folder: Path) -> None:
    """Raises InTheWay."""
    # Not at the top: models can be imported only after the settings have been read.
    from streaming.benchmark import program

    arguments = program.parse(sys.argv[1:])
    journal, site_log = folder / "journal", folder / "site.log"
    with model_server(journal) as (model, model_address):
        os.environ["VLLM_BASE_URL"] = f"http://{model_address}/v1"
        command = [sys.executable, "-m", "chatsite.launch"]
        with site_log.open("wb") as output, started(command, stdout=output, stderr=output) as manager:
            wait_until_ready(manager, site_log)
            processes = {"model": model.pid, "manager": manager.pid}
            processes |= {name: process.pid for name, process in running().items()}
            program.run(arguments, f"{settings.HOST}:{settings.PORT}", model_address, journal, processes)


@contextmanager
def model_server(journal: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Yields the process, and its "host:port"."""
    command = [sys.executable, "-m", "streaming.demo", "--port", "0", "--max-num-seqs", str(PLACES)]
    with started([*command, "--journal", str(journal)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        found = re.search(r"http://([^/\s]+)", process.stdout.readline().decode())
        if found is None:
            raise InTheWay("the demo model server did not start.")
        yield process, found[1]


@contextmanager
def started(command: list[str], **output: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Terminates the process on exit; kills it after ENDS_WITHIN_S."""
    process = subprocess.Popen(command, cwd=BASE_DIR, start_new_session=True, **output)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    """Raises InTheWay."""
    until = time.monotonic() + READY_WITHIN_S
    while not is_ready():
        if process.poll() is not None or time.monotonic() > until:
            raise InTheWay(f"the site did not become ready.\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
