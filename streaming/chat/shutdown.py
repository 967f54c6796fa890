"""Whether this web process is shutting down: then it accepts no sockets and reports that it is not ready."""

from __future__ import annotations

from threading import Event

shutting_down = Event()
