"""Detects blocked event loops by missing reports (streaming/telemetry/watchdog.py), like systemd's WatchdogSec."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

PID = re.compile(rb"^X_PID=(\d{1,10})$", re.MULTILINE)
LONGEST_MESSAGE = 512  # bytes
SLEPT_S = 3.0  # a check this late means that this process slept (a suspended machine), and the others may have, too
SAYS_WHERE_S = 1.0  # how long a blocked process may take to dump its threads' tracebacks


class Liveness:
    def __init__(self, address: str, frozen_after_s: float):
        """Listens at the path ``address``. ``frozen_after_s`` of 0 switches the detection off."""
        self.address = address
        self._frozen_after_s = frozen_after_s
        self._heard: dict[int, float] = {}  # pid → time of the last report
        self._looked_at = time.monotonic()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        with suppress(FileNotFoundError):
            Path(address).unlink()
        self._socket.bind(address)

    def silent(self) -> dict[int, float]:
        """Returns pid → seconds of silence for processes that stopped reporting. Call it about once a second."""
        now, before = time.monotonic(), self._looked_at
        self._looked_at = now
        with suppress(BlockingIOError):
            while True:
                self._hear(self._socket.recv(LONGEST_MESSAGE), now)
        if now - before > SLEPT_S:
            self._heard = dict.fromkeys(self._heard, now)
        limit = self._frozen_after_s or float("inf")
        return {pid: now - at for pid, at in self._heard.items() if now - at > limit}

    def _hear(self, message: bytes, now: float) -> None:
        for pid in map(int, PID.findall(message)):
            self._heard[pid] = now
            if b"STOPPING=1" in message:
                self.forget(pid)

    def close(self) -> None:
        self._socket.close()

    def forget(self, pid: int) -> None:
        self._heard.pop(pid, None)


def describe_replaced(name: str, pid: int, still_s: float) -> str:
    """Returns the value of REPLACED_PROCESS for the process that replaces this one."""
    return json.dumps({"name": name, "pid": pid, "at": datetime.now(UTC).isoformat(), "still_s": round(still_s, 1)})


def send_signal(pid: int, number: int) -> None:
    """Signals the process; its helpers, too, if it leads a process group."""
    with suppress(ProcessLookupError):
        os.killpg(pid, number) if os.getpgid(pid) == pid else os.kill(pid, number)
