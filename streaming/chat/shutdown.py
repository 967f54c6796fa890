"""Whether this web process is shutting down: then it accepts no sockets and reports that it is not ready."""

from __future__ import annotations

from threading import Event

told_to_end = Event()
