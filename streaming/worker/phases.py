"""What an answer is doing, when several stages do something at once: what its reader is waiting for."""

from __future__ import annotations

from streaming.log.handle import LogHandle
from streaming.log.records import PhaseBegan


class Phases:
    """Tells the log the phase of the stage whose text is shown; while that is complete, of the next one to come."""

    def __init__(self, handle: LogHandle):
        self._handle = handle
        self._running: dict[int, PhaseBegan] = {}  # by stage
        self._told: PhaseBegan | None = None

    def enter(self, stage: int, began: PhaseBegan) -> None:
        self._running[stage] = began
        self._tell()

    def leave(self, stage: int) -> None:
        self._running.pop(stage, None)
        self._tell()

    def _tell(self) -> None:
        if not self._running:
            return
        writing = [stage for stage, began in self._running.items() if began.phase == "writing"]
        phase = self._running[max(writing, default=min(self._running))]
        if phase != self._told:
            self._told = phase
            self._handle.append(phase)
