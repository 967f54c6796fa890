"""Whether this web process was told to end: from then on it takes nothing new, and says that it is not ready."""

from __future__ import annotations

from threading import Event

told_to_end = Event()
