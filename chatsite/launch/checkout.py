"""One run per data folder, and no process left over from an earlier one."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress

import psutil
from django.conf import settings

from . import InTheWay

HOME = "THROUGHLINE_HOME"  # in every process that the manager starts: how the next start knows them
ENDS_WITHIN_S = 5.0
SPECIAL = set('%"')  # in supervisord.conf, after the path has been filled in


def claim_folder() -> int:
    """Lock the data folder for as long as this process lives, as the manager too; returns the lock's descriptor."""
    for path in (settings.BASE_DIR, settings.DATA_DIR):
        if set(str(path)) & SPECIAL:
            raise InTheWay(f"supervisord cannot work in {path}: the path holds a percent sign or a quotation mark.")
    try:
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        lock = os.open(settings.DATA_DIR / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise InTheWay(f"nothing can be stored in {settings.DATA_DIR} ({error.strerror}). See DATA_DIR.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(lock, 20).decode()
        raise InTheWay(f"it runs already, as process {holder}. Press Ctrl-C there, or use that one.") from error
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    os.set_inheritable(lock, True)  # the manager's own processes do not get it: supervisord closes it for them
    return lock


def manager() -> psutil.Process:
    """Of the run that this folder has. Raises InTheWay if it has none."""
    try:
        found = psutil.Process(int((settings.DATA_DIR / "run.lock").read_text()))
        if found.environ().get(HOME) == str(settings.DATA_DIR):
            return found
    except (OSError, ValueError, psutil.Error):
        pass  # never begun, ended, or its number is somebody else's now
    raise InTheWay("nothing of this folder runs. Start it: make run")


def end_orphans() -> None:
    """Called with the folder's lock held, so whatever still belongs here has lost its manager."""
    orphans = [process for process in psutil.process_iter() if belongs_here(process)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in orphans:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        orphans = those_left(orphans)


def those_left(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended in good time; a zombie has, though psutil would go on waiting for it."""
    until = time.monotonic() + ENDS_WITHIN_S
    while (processes := [process for process in processes if belongs_here(process)]) and time.monotonic() < until:
        time.sleep(0.05)
    return processes


def belongs_here(process: psutil.Process) -> bool:
    try:
        environment = process.environ()
    except psutil.Error:  # gone, or somebody else's
        return False
    return environment.get(HOME) == str(settings.DATA_DIR) and "SUPERVISOR_PROCESS_NAME" in environment
