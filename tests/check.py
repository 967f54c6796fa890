"""`make test`: every check that CI runs, one after the other; the first that fails ends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.processes import ROOT, find_initdb, free_port, postgres_process

PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "chatsite.settings",
    "ENV_FILE": "",
    "DEBUG": "false",
    "SECRET_KEY": "checked-as-in-production-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "chat.example.com",
}


def main() -> None:
    exit_unless_installed()
    manage = [sys.executable, "manage.py"]
    bin_folder = Path(sys.executable).parent
    templates = sorted(str(path) for path in (ROOT / "templates").rglob("*.html"))
    run("ruff", [str(bin_folder / "ruff"), "check", "."])
    run("ruff format", [str(bin_folder / "ruff"), "format", "--check", "."])
    run("djade", [str(bin_folder / "djade"), "--check", "--target-version", "5.2", *templates])
    run("mypy", [sys.executable, "-m", "mypy"])
    run("deployment check", [*manage, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION)
    run("migrations", [*manage, "makemigrations", "--check", "--dry-run"], PRODUCTION)
    run("tests on PostgreSQL", None)
    browser = ["tests/browser", "tests/js"]  # a run of their own: Playwright keeps an event loop of its own running
    pytest = [sys.executable, "-m", "pytest", "-q", "--timeout", "120"]
    run("tests", [*pytest, *(f"--ignore={folder}" for folder in browser)])
    run("browser tests", [*pytest, *browser])


def exit_unless_installed() -> None:
    if not (shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")):
        sys.exit("The browser tests need Chromium: on Debian, apt install chromium.")
    if not find_initdb():
        sys.exit("The tests need PostgreSQL's programs: on Debian, apt install postgresql.")


def run(name: str, command: list[str] | None, env: dict[str, str] | None = None) -> None:
    print(f"── {name}", flush=True)
    begun = time.monotonic()
    code = tests_on_postgres() if command is None else call(command, env or {})
    if code:
        sys.exit(f"── {name}: failed")
    print(f"── {name}: {time.monotonic() - begun:.0f} s", flush=True)


def call(command: list[str], env: dict[str, str]) -> int:
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, check=False).returncode


def tests_on_postgres() -> int:
    """What is stored, and the whole path of an answer, on the database of production."""
    with tempfile.TemporaryDirectory(prefix="throughline-postgres-") as folder:
        port = free_port()
        postgres = postgres_process(Path(folder), port)
        try:
            url = f"postgres://throughline@127.0.0.1:{port}/throughline"
            return call(
                [sys.executable, "-m", "pytest", "-q", "tests/conversations", "tests/ops", "tests/stack"],
                {"DATABASE_URL": url},
            )
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
