"""`make restart`: restarts the processes one after the other with new code and settings, while answers run."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress

import psutil

from . import InTheWay
from .__main__ import keep_private, prepare_database, read_settings
from .checkout import HOME, belongs_here, manager
from .ready import is_ready

# The worker first: new pages may need a new worker. Redis and the model server run none of our code.
ORDER = ("worker", "background", "beat", "web")
# Longer than any of them takes (deploy/supervisord.conf: stopwaitsecs). After that, the process is killed.
ENDS_WITHIN_S = 20.0
BACK_WITHIN_S = 60.0
SETTLES_AFTER_S = 2.0


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
    os.environ.setdefault("PROCESS_NAME", "setup")
    try:
        read_settings()
        if HOME not in os.environ:  # run with the environment of `make run`, such as its PORT
            os.execve(sys.executable, [sys.executable, "-m", "chatsite.launch.restart"], manager().environ())
        keep_private()
        prepare_database()
        for name in ORDER:
            restart(name)
    except InTheWay as error:
        print(f"Throughline was not restarted: {error}", file=sys.stderr)
        sys.exit(2)


def running() -> dict[str, psutil.Process]:
    """Returns the manager's direct children by name. Their own children inherit the name, and are left out."""
    found = {}
    for process in manager().children():
        if belongs_here(process):
            with suppress(psutil.NoSuchProcess):
                found[process.environ()["SUPERVISOR_PROCESS_NAME"]] = process
    return found


def restart(name: str) -> None:
    """Ends the process, which the manager then starts again; returns when it works. Raises InTheWay."""
    old = running().get(name)
    if old is not None:
        end(name, old)
    until = time.monotonic() + BACK_WITHIN_S
    while not (is_settled(name, old) and is_ready()):
        if time.monotonic() > until:
            raise InTheWay(
                f"{name} was not back after {BACK_WITHIN_S:.0f} s. Its lines on the terminal of make run say why."
            )
        time.sleep(0.1)
    print(f"{name} restarted", flush=True)


def end(name: str, old: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        old.terminate()
    until = time.monotonic() + ENDS_WITHIN_S
    while belongs_here(old):
        if time.monotonic() > until:
            print(f"{name} did not end within {ENDS_WITHIN_S:.0f} s, and is killed", flush=True)
            with suppress(psutil.NoSuchProcess):
                old.kill()
            return
        time.sleep(0.05)


def is_settled(name: str, old: psutil.Process | None) -> bool:
    """Whether a new process has replaced ``old`` and lived for SETTLES_AFTER_S."""
    new = running().get(name)
    return new is not None and new != old and time.time() - new.create_time() > SETTLES_AFTER_S


if __name__ == "__main__":
    main()
