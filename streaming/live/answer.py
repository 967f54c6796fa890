"""One web process's state of a live answer: its text, the rendered HTML and its watchers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from conversations.models.chat.message import PartKey, PartKind
from conversations.models.generation.timing import Delivery
from conversations.rendering import HighlightBudget, References, Segmenter, render_block, render_tail
from streaming.coordination.answer_queue import QueuePosition
from streaming.log.fold import Fold, FoldedPart
from streaming.log.records import AnyRecord
from streaming.log.stream_log import BEGINNING, Entry, Position, as_pair, key_of
from streaming.protocol import PartName, PhaseName, code_units

# Characters fed to the segmenter at a time, so that a long answer does not hold up the others.
SLICE = 2_000
# Entries kept unfolded, for readers of the log itself. A reader further behind reads from Redis.
RECENT = 64


@dataclass(frozen=True)
class FinishedAnswer:
    """A finished answer, as stored in the database."""

    status: str
    footer: str  # HTML
    blocks: dict[PartName, list[str]]  # final HTML
    texts: dict[PartName, str] | None = None  # None if a later generation owns the message
    attempt: int = 0  # the last one
    error_code: str = ""
    error: str = ""


class LivePart(FoldedPart):
    """Appends text as it arrives; renders HTML when there is time.

    A restart replaces the LivePart, so rendering still under way for the old one does not affect the new one.
    """

    def __init__(self, key: PartKey, begun_at: Position = BEGINNING):
        super().__init__(key, begun_at)
        self.name = key.name
        self.blocks: list[str] = []  # HTML of finished blocks
        self.upto = 0  # length of the text in finished blocks
        self.tail_html = ""
        self.tail_upto = 0
        self.tail_version = 0  # 0: no tail
        self._unread: deque[str] = deque()  # not yet given to the segmenter
        self._read_length = 0
        self._open = ""  # read, but not in a finished block
        self._closed = 0  # characters, not code units, in finished blocks
        self._segmenter = Segmenter()
        self._references = References()
        self._budget = HighlightBudget()

    def append(self, text: str) -> None:
        super().append(text)
        if self.key.kind == PartKind.TEXT:  # thinking is shown as plain text
            self._unread.append(text)

    @property
    def has_unread(self) -> bool:
        return bool(self._unread)

    @property
    def tail(self) -> str:
        """Source text of the unfinished end."""
        return self._segmenter.tail

    def read_on(self) -> list[str]:
        """Read the next slice; return the sources of newly finished blocks, to be rendered and passed to add_blocks."""
        text = self._next_slice()
        self._read_length += code_units(text)
        self._open += text
        return self._segmenter.feed(text)

    def render_finished(self, sources: list[str]) -> list[str]:
        """May block; safe to call in a thread."""
        references, budget = self._references, self._budget
        return [render_block(source, references, budget) for source in sources]

    def render_tail(self, source: str) -> str:
        """Safe to call in a thread."""
        return render_tail(source, self._references).html

    def add_blocks(self, html: list[str]) -> None:
        """Add finished blocks, which never change afterwards."""
        self.blocks += html
        if newly := self._segmenter.tail_start - self._closed:
            self.upto += code_units(self._open[:newly])
            self._open = self._open[newly:]
            self._closed += newly
            self.tail_version = 0

    def set_tail(self, html: str) -> None:
        """Set the rendered tail, which must cover everything read so far."""
        self.tail_html = html
        self.tail_upto = self._read_length
        self.tail_version += 1

    def _next_slice(self) -> str:
        taken: list[str] = []
        size = 0
        while self._unread and size < SLICE:
            piece = self._unread.popleft()
            if len(piece) > SLICE:
                self._unread.appendleft(piece[SLICE:])
            taken.append(piece[:SLICE])
            size += len(taken[-1])
        return "".join(taken)


class Watcher(Protocol):
    """Watches an answer on behalf of a page or an API client."""

    answer: LiveAnswer

    @property
    def needs_html(self) -> bool: ...


class LiveAnswer(Fold[LivePart]):
    def __init__(self, generation_id: UUID, url: str = ""):
        """``url``: serves the message alone, from the database."""
        super().__init__(LivePart)
        self.generation_id = generation_id
        self.key = key_of(generation_id)  # of the log
        self.url = url
        self.known_since = self.last_record_at = time.monotonic()
        self.queue_position: QueuePosition | None = None  # None: unknown, or no longer queued
        # What delays the answer; shown instead of its phase until the next record.
        self.trouble: PhaseName | None = None
        self.finished: FinishedAnswer | None = None  # read from the database after the end
        self.broken = False  # records are missing: pages must read the database
        self.ended_before = False  # before this process began to watch
        self.delivery = Delivery()  # what this process sent
        self.tail_due = 0.0  # monotonic; the tail is not rendered again before
        # Callback by watcher: called with the watcher when there may be something to send.
        self.watchers: dict[Any, Callable[[Any], None]] = {}
        self.left_at: float | None = time.monotonic()  # when the last watcher left; None while there is one
        self._recent: deque[Entry] = deque(maxlen=RECENT)

    def fold(self, entries: Iterable[Entry]) -> list[AnyRecord]:
        """Raises HoleInLog; the answer cannot be used afterwards."""
        self.last_record_at = time.monotonic()
        entries = list(entries)
        if entries:
            self.trouble = None
        self._recent += entries
        try:
            return super().fold(entries)
        finally:
            if self.attempt:
                self.queue_position = None

    def newer(self, entries: list[Entry]) -> list[Entry]:
        """Drop the entries already folded: two readers may read the same log at once."""
        if not entries or as_pair(entries[0][0]) > as_pair(self.position):
            return entries
        return [entry for entry in entries if as_pair(entry[0]) > as_pair(self.position)]

    def has_all_of(self, finished: FinishedAnswer) -> bool:
        """Whether the log had the whole text. True if a later generation owns the message: nothing to compare with."""
        if finished.texts is None:
            return True
        logged = {part.name: part.length for part in self.parts.values() if part.length}
        return logged == {name: code_units(text) for name, text in finished.texts.items() if text}

    def recent_after(self, position: Position) -> list[Entry] | None:
        """The entries after ``position``; None if that entry is no longer kept."""
        newer: list[Entry] = []
        for entry in reversed(self._recent):
            if entry[0] == position:
                return newer[::-1]
            newer.append(entry)
        return None

    @property
    def is_open(self) -> bool:
        return self.ended is None

    @property
    def needs_html(self) -> bool:
        return any(watcher.needs_html for watcher in self.watchers)

    def wake(self) -> None:
        """Wake all watchers: there may be something to send."""
        for watcher, wake in self.watchers.items():
            wake(watcher)
