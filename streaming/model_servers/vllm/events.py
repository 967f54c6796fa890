"""Parses an event stream into the payloads of its events, by the standard (html.spec.whatwg.org, 9.2). No I/O here.

Lines end with CR, LF or both, a byte order mark may come first, an event's data may have several lines, and an empty
line ends an event. Beyond the standard, because servers do so: an event at the end of the body counts without its empty
line, and a line that cannot continue the same JSON starts a new event. The data of an event named "error" is put where
other servers put errors.
"""

from __future__ import annotations

import json

from .clean import BYTE_ORDER_MARK, Unreadable, decode
from .errors import BadReply

LEAST_OF_A_LINE = 64  # bytes that each line counts as, at least: short lines take as long to read
LEAST_OF_AN_EVENT = 2 * LEAST_OF_A_LINE
BEGIN_A_PAYLOAD = (b"{", b"[DONE]")


class EventStream:
    """``feed`` it as bytes arrive, ``finish`` at the body's end. Time and memory are linear in an event's length."""

    def __init__(self, max_bytes: int):
        """``max_bytes``: per line and per event."""
        self.taken = 0  # bytes fed, with short lines counted as LEAST_OF_A_LINE
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []  # of the unfinished line
        self._data: list[bytes] = []  # of the unfinished event
        self._size = 0  # of both
        self._is_error = False  # the unfinished event, by its name
        self._was_cr = False  # the last byte was a CR: an LF after it ends no other line
        self._has_begun = False

    def feed(self, received: bytes) -> list[bytes]:
        """Returns the payloads that are complete now. Raises BadReply for an event that is too long."""
        is_between = self._size == 0 and not (self._was_cr or self._is_error)
        is_whole = is_between and self._has_begun and received.endswith(b"\n\n")
        payloads = plain_payloads(received) if is_whole else None
        if payloads is None:
            return self._read(received)
        size, least = len(received), LEAST_OF_AN_EVENT * len(payloads)
        self.taken += size if size > least else least
        return payloads

    def finish(self) -> list[bytes]:
        """Returns the payloads that the body's end completes."""
        payloads = self._take_line(self._line(b"")) if self._pieces else []
        return payloads + self._end_event()

    def _read(self, received: bytes) -> list[bytes]:
        if not self._has_begun:
            received = self._without_mark(received)
        if self._was_cr and received:
            received = received.removeprefix(b"\n")
            self._was_cr = False
        payloads: list[bytes] = []
        lines = received.splitlines(keepends=True)  # bytes split only at CR, LF and CRLF
        self.taken += max(len(received), LEAST_OF_A_LINE * len(lines))
        for line in lines:
            if line.endswith((b"\n", b"\r")):
                payloads += self._take_line(self._line(line.rstrip(b"\r\n")))
            else:
                self._grow(len(line))
                self._pieces.append(line)
        self._was_cr = received.endswith(b"\r")
        return payloads

    def _without_mark(self, received: bytes) -> bytes:
        """Returns nothing while a byte order mark may still be incomplete."""
        begin = b"".join([*self._pieces, received])
        self._pieces.clear()
        self._size = 0
        if len(begin) < len(BYTE_ORDER_MARK) and BYTE_ORDER_MARK.startswith(begin):
            self._pieces.append(begin)
            return b""
        self._has_begun = True
        return begin.removeprefix(BYTE_ORDER_MARK)

    def _line(self, end: bytes) -> bytes:
        if not self._pieces:
            self._grow(len(end))
            return end
        line = b"".join([*self._pieces, end])
        self._pieces.clear()
        self._size += len(end)
        return line

    def _take_line(self, line: bytes) -> list[bytes]:
        """Returns the payloads that the line completes."""
        if not line:
            return self._end_event()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name != b"data":  # a comment, or another field
            self._size -= len(line)
            self._is_error = value == b"error" if name == b"event" else self._is_error
            return []
        ended = self._end_event() if self._data and begins_anew(self._data[-1], value) else []
        self._data.append(value)
        self._size = sum(map(len, self._data)) if ended else self._size
        return ended

    def _end_event(self) -> list[bytes]:
        payload = b"\n".join(self._data).strip()
        if payload and self._is_error:
            payload = b'{"error":%b}' % as_json(payload)
        self._data.clear()
        self._size, self._is_error = 0, False
        return [payload] if payload else []

    def _grow(self, by: int) -> None:
        self._size += by
        if self._size > self._max_bytes:
            raise BadReply(f"an event of more than {self._max_bytes:,} bytes")


def as_json(payload: bytes) -> bytes:
    """Returns JSON as it is, and anything else as a JSON string."""
    try:
        decode(payload)
    except Unreadable:
        return json.dumps(payload.decode("utf-8", "replace")).encode()
    return payload


def plain_payloads(received: bytes) -> list[bytes] | None:
    """Returns the payloads of complete events with one data line each, as vLLM sends them; None for anything else."""
    if b"\r" in received:
        return None
    payloads = []
    for event in received[:-2].split(b"\n\n"):
        if not event.startswith(b"data: {") or b"\n" in event:
            return None
        payloads.append(event[6:])
    return payloads


def begins_anew(earlier: bytes, line: bytes) -> bool:
    """True if no JSON continues like this: the server leaves out the empty lines."""
    return earlier.rstrip().endswith(b"}") and line.lstrip().startswith(BEGIN_A_PAYLOAD)
