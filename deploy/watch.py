"""Runs a program and replaces it when its event loop is blocked: for process managers without a watchdog.

    python deploy/watch.py python -m chatsite.web …

Not needed under systemd, which has WatchdogSec. Forwards signals to the program: one SIGTERM ends both.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from types import FrameType

from liveness import SAYS_WHERE_S, Liveness, describe_replaced, send_signal

LOOKS_EVERY_S = 0.5
ENDING = (signal.SIGTERM, signal.SIGINT)
FORWARDED = (*ENDING, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def main(command: list[str]) -> int:
    """Returns the program's exit code."""
    name = os.environ.get("PROCESS_NAME", "process")
    with tempfile.TemporaryDirectory(prefix="throughline-watch-") as folder:
        watch = Liveness(str(Path(folder) / "notify"), float(os.environ.get("FROZEN_AFTER_S") or 10))
        environment = {**os.environ, "NOTIFY_SOCKET": watch.address}
        programs: list[subprocess.Popen[bytes]] = []
        ends: list[int] = []  # signals received that end the program
        for number in FORWARDED:
            signal.signal(number, partial(forward, programs, ends))
        while True:
            program = subprocess.Popen(command, env=environment, start_new_session=True)
            programs.append(program)
            for end in ends:  # received before the program existed
                program.send_signal(end)
            still_s = wait(program, watch)
            if not still_s or ends:
                return program.returncode if program.returncode >= 0 else 128 - program.returncode
            environment["REPLACED_PROCESS"] = describe_replaced(name, program.pid, still_s)


def forward(programs: list[subprocess.Popen[bytes]], ends: list[int], number: int, frame: FrameType | None) -> None:
    if number in ENDING:
        ends.append(number)
    if programs:
        programs[-1].send_signal(number)


def wait(program: subprocess.Popen[bytes], watch: Liveness) -> float:
    """Waits for the program. Returns 0 if it ended, or for how many seconds it had been blocked when it was killed."""
    while True:
        try:
            program.wait(LOOKS_EVERY_S)
            return 0.0
        except subprocess.TimeoutExpired:
            still_s = watch.silent().get(program.pid, 0.0)
        if still_s:
            print(f"Process {program.pid} stood still for {still_s:.0f} s: it is killed.", file=sys.stderr, flush=True)
            send_signal(program.pid, signal.SIGABRT)
            try:
                program.wait(SAYS_WHERE_S)
            except subprocess.TimeoutExpired:
                send_signal(program.pid, signal.SIGKILL)
                program.wait()
            watch.forget(program.pid)
            return still_s


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
