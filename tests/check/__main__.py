"""`make test`: every check that CI runs. The quick ones come first, and the first that fails ends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from tests.harness.processes import ROOT, find_initdb, free_port, postgres_process

Step = tuple[str, Callable[[IO[bytes]], int]]  # its name, and what to do; where its output goes → exit code

ODD = ("tests/chatsite/web/test_odd_bodies.py", "tests/chatsite/web/test_odd_queries.py")
ALIVE = ("tests/stack", "tests/streaming/operations", *ODD)
PROCESSES = (
    "tests/chatsite",
    "tests/separate_sites",
    *(f"tests/streaming/{name}" for name in ("api", "benchmark", "demo")),
)
# Playwright keeps an event loop of its own running, so what needs it runs apart. tests/stack is left to PostgreSQL: the
# whole path of an answer runs on SQLite in the browser, by the API and under faults.
APART = ("tests/browser", "tests/static", "tests/faults", "tests/stack", *PROCESSES)
REMEMBERED = ("tests/conversations", "--ignore=tests/conversations/rendering")
LANES = 3  # steps at a time, for a machine of two cores: tests wait more than they compute
LAST_LINES = 30  # of pytest's output, where it names what failed

PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "chatsite.settings",
    "ENV_FILE": "",
    "DEBUG": "false",
    "SECRET_KEY": "checked-as-in-production-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "chat.example.com",
    "DATABASE_URL": "sqlite://:memory:",  # whatever this folder has, or has not
    "EMAIL_URL": "smtp+tls://site:password@mail.example.com:587",
}


def main() -> None:
    exit_unless_installed()
    manage = [sys.executable, "manage.py"]
    bin_folder = Path(sys.executable).parent
    templates = sorted(str(path) for path in (ROOT / "templates").rglob("*.html"))
    run("ruff", [str(bin_folder / "ruff"), "check", "."])
    run("ruff format", [str(bin_folder / "ruff"), "format", "--check", "."])
    run("djade", [str(bin_folder / "djade"), "--check", "--target-version", "5.2", *templates])
    check_types()
    run("deployment check", [*manage, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION)
    run("migrations", [*manage, "makemigrations", "--check", "--dry-run"], PRODUCTION)
    run_side_by_side(  # the long ones first
        [
            ("tests of what is alive, on PostgreSQL", lambda out: on_postgres(*ALIVE, out=out)),
            ("tests of processes", lambda out: pytest(*PROCESSES, out=out)),
            ("fault tests", lambda out: pytest("tests/faults", out=out)),
            ("browser tests", lambda out: pytest("tests/browser", out=out)),
            ("tests", lambda out: pytest(*(f"--ignore={folder}" for folder in APART), out=out)),
            ("tests of what is remembered, on PostgreSQL", lambda out: on_postgres(*REMEMBERED, out=out)),
            ("tests of the page's modules", lambda out: pytest("tests/static", out=out)),
        ]
    )


def exit_unless_installed() -> None:
    if not (shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")):
        sys.exit("The browser tests need Chromium: on Debian, apt install chromium.")
    if not find_initdb():
        sys.exit("The tests need PostgreSQL's programs: on Debian, apt install postgresql.")


def run(name: str, command: list[str], env: dict[str, str] | None = None) -> None:
    print(f"── {name}", flush=True)
    begun = time.monotonic()
    if call(command, env or {}):
        sys.exit(f"── {name}: failed")
    print(f"── {name}: {time.monotonic() - begun:.0f} s", flush=True)


def check_types() -> None:
    """The cache of another checkout can make mypy fail: what fails is checked once more without it."""
    mypy = [sys.executable, "-m", "mypy"]
    if subprocess.run(mypy, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
        shutil.rmtree(ROOT / ".mypy_cache", ignore_errors=True)
    run("mypy", mypy)


def run_side_by_side(steps: list[Step]) -> None:
    """What a step printed is shown when it ends; the last lines of what failed come once more at the end of all."""
    with ThreadPoolExecutor(LANES) as threads:
        failed = {name: said for name, code, said in threads.map(run_quietly, steps) if code}
    for name, said in failed.items():
        print(f"── the end of: {name}", *said.splitlines()[-LAST_LINES:], sep="\n", flush=True)
    if failed:
        sys.exit(f"── failed: {', '.join(failed)}")


def run_quietly(step: Step) -> tuple[str, int, str]:
    """Its name, its exit code, and what it printed."""
    name, work = step
    begun = time.monotonic()
    print(f"── {name} …", flush=True)
    with tempfile.TemporaryFile() as out:
        code = work(out)
        out.seek(0)
        said = out.read().decode("utf-8", "replace")
    print(f"── {name}: {'failed, ' if code else ''}{time.monotonic() - begun:.0f} s\n{said}", flush=True)
    return name, code, said


def call(command: list[str], env: dict[str, str] | None = None, out: IO[bytes] | None = None) -> int:
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(env or {})}, stdout=out, stderr=out and subprocess.STDOUT, check=False
    ).returncode


def pytest(*arguments: str, out: IO[bytes], env: dict[str, str] | None = None) -> int:
    return call([sys.executable, "-m", "pytest", "-q", *arguments], env, out)


def on_postgres(*arguments: str, out: IO[bytes]) -> int:
    """On a server of its own: the database of production."""
    with tempfile.TemporaryDirectory(prefix="throughline-postgres-") as folder:
        port = free_port()
        postgres = postgres_process(Path(folder), port)
        try:
            url = f"postgres://throughline@127.0.0.1:{port}/throughline"
            return pytest(*arguments, out=out, env={"DATABASE_URL": url})
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
