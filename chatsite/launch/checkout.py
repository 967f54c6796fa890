"""Ensures one run per data folder, and ends processes left over from an earlier run."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress

import psutil
from django.conf import settings

from . import InTheWay

HOME = "THROUGHLINE_HOME"  # set in every process that the manager starts, so that the next start recognises them
ENDS_WITHIN_S = 5.0
SPECIAL = set('%"')  # supervisord.conf would interpret them in the path


def claim_folder() -> int:
    """Locks the data folder until this process, later the manager, ends. Returns the lock's descriptor."""
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
    # Survives exec into the manager. The manager's children do not inherit it: supervisord closes it for them.
    os.set_inheritable(lock, True)
    return lock


def manager() -> psutil.Process:
    """Returns the manager that runs for this data folder. Raises InTheWay if there is none."""
    try:
        found = psutil.Process(int((settings.DATA_DIR / "run.lock").read_text()))
        if found.environ().get(HOME) == str(settings.DATA_DIR):
            return found
    except (OSError, ValueError, psutil.Error):
        pass  # never started, ended, or its pid now belongs to another process
    raise InTheWay("nothing of this folder runs. Start it: make run")


def end_orphans() -> None:
    """Ends processes without a manager. The caller holds the folder's lock, so any process of this folder is one."""
    orphans = [process for process in psutil.process_iter() if belongs_here(process)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in orphans:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        orphans = those_left(orphans)


def those_left(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Returns the processes still running after ENDS_WITHIN_S. Zombies count as ended; psutil would wait for them."""
    until = time.monotonic() + ENDS_WITHIN_S
    while (processes := [process for process in processes if belongs_here(process)]) and time.monotonic() < until:
        time.sleep(0.05)
    return processes


def belongs_here(process: psutil.Process) -> bool:
    try:
        environment = process.environ()
    except psutil.Error:  # ended, or another user's
        return False
    return environment.get(HOME) == str(settings.DATA_DIR) and "SUPERVISOR_PROCESS_NAME" in environment
