"""supervisord as `make run` needs it.

Unlike `python -m supervisor.supervisord`, it ends when its terminal is closed (on SIGHUP, supervisord would restart
everything, with nowhere to write to). On Linux, its processes end when it is killed. It replaces processes whose event
loops are blocked.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from types import FrameType

from liveness import SAYS_WHERE_S, Liveness, describe_replaced, send_signal
from supervisor.medusa.asyncore_25 import ExitNow
from supervisor.options import ServerOptions
from supervisor.supervisord import Supervisor

PR_SET_PDEATHSIG = 1  # linux/prctl.h
OPEN_FILES = 65_536  # the usual limit of 1,024 is fewer sockets than one web process serves
libc = ctypes.CDLL(None)

WEB_SOCKET = int(os.environ["WEB_SOCKET"])  # descriptor of the socket that listens also while web restarts


class Options(ServerOptions):
    first = True  # supervisord: not a restart
    test = False
    replaced: dict[str, str]  # process name → REPLACED_PROCESS of its successor

    def setsignals(self) -> None:
        super().setsignals()
        signal.signal(signal.SIGHUP, self._end)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.signal_receiver.receive(signal.SIGTERM, frame)

    def setpgrp(self) -> None:
        """Called in each new process before exec."""
        super().setpgrp()
        if sys.platform == "linux":
            # SIGKILL: a hand-over would be in vain, since Redis ends, too.
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> None:
        replaced = self.replaced.get(env["SUPERVISOR_PROCESS_NAME"], "")
        super().execve(filename, argv, env | {"REPLACED_PROCESS": replaced})

    def cleanup_fds(self) -> None:
        """Does nothing: supervisord would close the socket as a leak."""

    def close_fd(self, fd: int) -> None:
        """Called in each new process for descriptors that it should not inherit."""
        if fd != WEB_SOCKET:
            super().close_fd(fd)

    def set_uid_or_exit(self) -> None:
        """Does nothing: no change of user, and no warning about that, which supervisord prints for root."""


class Manager(Supervisor):
    def __init__(self, options: Options):
        super().__init__(options)
        self._watch = Liveness(os.environ["NOTIFY_SOCKET"], float(os.environ["FROZEN_AFTER_S"]))
        self._killed_at: dict[int, float] = {}  # pid of a process sent SIGABRT → when SIGKILL follows

    def tick(self, now: float | None = None) -> None:
        """Called at least once a second."""
        super().tick(now)
        running = {
            process.pid: name for group in self.process_groups.values() for name, process in group.processes.items()
        }
        for pid, still_s in self._watch.silent().items():
            if pid in running:
                self._end_frozen(running[pid], pid, still_s)
            else:
                self._watch.forget(pid)
                self._killed_at.pop(pid, None)

    def _end_frozen(self, name: str, pid: int, still_s: float) -> None:
        if pid not in self._killed_at:
            self._killed_at[pid] = time.monotonic() + SAYS_WHERE_S
            self.options.replaced[name] = describe_replaced(name, pid, still_s)
            self.options.logger.warn(
                f"{name} (process {pid}) stood still for {still_s:.0f} s: it is killed, and started again. "
                "Its lines after this one say where it stood."
            )
            send_signal(pid, signal.SIGABRT)
        elif time.monotonic() > self._killed_at[pid]:
            send_signal(pid, signal.SIGKILL)


def set_limits() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # SIGABRT would dump core, which contains users' texts


def main() -> None:
    set_limits()
    options = Options()
    options.replaced = {}
    options.realize(sys.argv[1:])
    with suppress(ExitNow):
        Manager(options).main()


if __name__ == "__main__":
    main()
