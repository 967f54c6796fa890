"""supervisord as `make run` needs it.

Other than `python -m supervisor.supervisord`, it ends when its terminal is closed (SIGHUP, where supervisord would
start everything again, with nowhere to write to), and on Linux its processes end when it is killed.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from types import FrameType

from supervisor.medusa.asyncore_25 import ExitNow
from supervisor.options import ServerOptions
from supervisor.supervisord import Supervisor

PR_SET_PDEATHSIG = 1  # linux/prctl.h
OPEN_FILES = 65_536  # 1,024, the usual limit, is fewer sockets than one web process serves
libc = ctypes.CDLL(None)


WEB_SOCKET = int(os.environ["WEB_SOCKET"])  # listens before web does, and while it restarts


class Options(ServerOptions):
    first = True  # supervisord counts its restarts
    test = False

    def setsignals(self) -> None:
        super().setsignals()
        signal.signal(signal.SIGHUP, self._end)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.signal_receiver.receive(signal.SIGTERM, frame)

    def setpgrp(self) -> None:
        """Called in each new process, before it becomes its program."""
        super().setpgrp()
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # they could not hand over: Redis would go too

    def cleanup_fds(self) -> None:
        """supervisord would take the socket for a leak, and close it."""

    def close_fd(self, fd: int) -> None:
        """Called in each new process for what it is not to have."""
        if fd != WEB_SOCKET:
            super().close_fd(fd)

    def set_uid_or_exit(self) -> None:
        """No change of user; and no warning about that, which supervisord gives to root."""


def allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))


def main() -> None:
    allow_open_files()
    options = Options()
    options.realize(sys.argv[1:])
    with suppress(ExitNow):
        Supervisor(options).main()


if __name__ == "__main__":
    main()
