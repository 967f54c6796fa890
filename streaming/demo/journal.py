"""A file that records when each token was sent, so that a receiver on the same machine can measure its delay."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

ID_LENGTH = 36  # of a UUID; the worker's request ids begin with the generation's id


class Note(msgspec.Struct):
    """One streamed answer: a line of the journal. Times are of the monotonic clock, which all processes share."""

    request: str  # its X-Request-Id
    sent: list[float] = []  # just before each token was passed to the kernel
    size: int = 0  # bytes of the tokens' chunks
    ended: float = 0.0  # when the last byte was sent, or the client's disconnect was seen
    hung_up: bool = False

    def add_token(self, chunk: bytes) -> None:
        self.sent.append(time.monotonic())
        self.size += len(chunk)


class Journal:
    """Writes a note when its answer ends, so that it costs little while tokens are sent."""

    def __init__(self, path: Path | None):
        self._file = path.open("ab", buffering=0) if path else None

    def write(self, note: Note) -> None:
        note.ended = time.monotonic()
        if self._file is not None:
            self._file.write(msgspec.json.encode(note) + b"\n")


class JournalReader:
    """Reads notes that are written after it was made."""

    def __init__(self, path: Path):
        self._path = path
        self._position = path.stat().st_size
        self._notes: dict[str, Note] = {}  # by the first ID_LENGTH characters of the request's id

    async def notes(self, requests: Iterable[str]) -> list[Note]:
        """Returns the notes of these requests, in their order. Waits until all have been written, without a timeout."""
        requests = list(requests)
        while not all(request in self._notes for request in requests):
            self._read_on()
            await asyncio.sleep(0.01)
        return [self._notes.pop(request) for request in requests]

    def _read_on(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._position)
            whole = file.read().rpartition(b"\n")[0]
        self._position += len(whole) + bool(whole)
        for line in whole.splitlines():
            note = msgspec.json.decode(line, type=Note)
            self._notes[note.request[:ID_LENGTH]] = note
