"""Reads what the demo model server notes about the answers that it sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from streaming.demo.journal import Note

from . import Failed

WAIT_S = 10.0
ID_LENGTH = 36  # of a UUID; the worker's request ids begin with the generation's

decode = msgspec.json.Decoder(Note).decode


class Journal:
    def __init__(self, path: Path):
        self._path = path
        self._read = path.stat().st_size  # bytes; what stands there already is of no interest
        self._notes: dict[str, Note] = {}  # by generation, or request

    async def notes(self, requests: Iterable[str]) -> list[Note]:
        """Of answers that have ended, in that order; waits a moment for the last of them. Raises Failed."""
        wanted, until = list(requests), time.monotonic() + WAIT_S
        while not all(request in self._notes for request in wanted):
            if time.monotonic() > until:
                raise Failed("the model server's journal lacks an answer: is it this site's model server?")
            self._read_on()
            await asyncio.sleep(0.01)
        return [self._notes.pop(request) for request in wanted]

    def _read_on(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        self._read += len(whole) + bool(whole)
        for line in whole.splitlines():
            note = decode(line)
            self._notes[note.request[:ID_LENGTH]] = note
