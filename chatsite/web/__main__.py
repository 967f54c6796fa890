"""Serves until SIGTERM or Ctrl-C."""

from __future__ import annotations

import atexit
import os

from daphne.cli import CommandLineInterface

from .server import WebServer


class CommandLine(CommandLineInterface):
    server_class = WebServer


def leave() -> None:
    """Exits at once: Python would wait for threads, and one of them may wait for the event loop, which has stopped."""
    atexit._run_exitfuncs()  # flushes logs and traces
    os._exit(0)


if __name__ == "__main__":
    CommandLine.entrypoint()
    leave()
