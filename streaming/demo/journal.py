"""When each token was sent, in a file: whoever receives it on the same machine can tell how long it took."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec


class Note(msgspec.Struct):
    """One streamed answer, a line of the journal. Times are of the monotonic clock, the same for all processes."""

    request: str  # its X-Request-Id
    sent: list[float] = []  # the moment before each token was given to the kernel
    size: int = 0  # bytes of the tokens' chunks
    ended: float = 0.0  # the last byte was sent, or the client was seen to hang up
    hung_up: bool = False

    def token(self, chunk: bytes) -> None:
        self.sent.append(time.monotonic())
        self.size += len(chunk)


class Journal:
    """Written when an answer ends, so that keeping it costs little while tokens are sent."""

    def __init__(self, path: Path | None):
        self._file = path.open("ab", buffering=0) if path else None

    def write(self, note: Note) -> None:
        note.ended = time.monotonic()
        if self._file is not None:
            self._file.write(msgspec.json.encode(note) + b"\n")
