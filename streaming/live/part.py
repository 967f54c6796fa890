"""One part of an answer that is being written: its text so far, and that text as HTML."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

from conversations.models.chat.message import PartKey, PartKind
from conversations.rendering import HighlightBudget, References, Segmenter, render_block, render_tail
from streaming.log.stream_log import BEGINNING, Position
from streaming.protocol import code_units, units_from

SLICE = 2_000  # characters that are read at a time, so that a long answer does not hold up the others


class LivePart:
    """Text goes in as it arrives, at once; HTML is made when there is time for it. Lengths count code units."""

    def __init__(self, key: PartKey, begun_at: Position = BEGINNING):
        """A restarted part is another one: work under way for the first does not concern it."""
        self.key = key
        self.name = f"{key.stage}.{key.kind}"
        self.begun_at = begun_at
        self.length = 0
        self.blocks: list[str] = []  # HTML of finished blocks
        self.upto = 0  # length of the text that is in them
        self.tail_html = ""
        self.tail_upto = 0
        self.tail_version = 0  # 0: there is none
        self._pieces: list[str] = []
        self._starts: list[int] = []  # where each piece begins
        self._unread: deque[str] = deque()  # not yet given to the segmenter
        self._read_length = 0
        self._open = ""  # what was read and is in no finished block
        self._closed = 0  # characters, not code units, that are in finished blocks
        self._segmenter = Segmenter()
        self._references = References()
        self._budget = HighlightBudget()

    # Text

    def append(self, text: str) -> None:
        self._pieces.append(text)
        self._starts.append(self.length)
        self.length += code_units(text)
        if self.key.kind == PartKind.TEXT:  # thinking is shown as plain text
            self._unread.append(text)

    def text_from(self, start: int) -> str:
        """The text from a length that was a piece's end; empty at the end."""
        if start >= self.length:
            return ""
        index = bisect_right(self._starts, start) - 1
        pieces = self._pieces[index:]
        if skipped := start - self._starts[index]:
            pieces[0] = units_from(pieces[0], skipped)
        return "".join(pieces)

    # HTML

    @property
    def has_unread(self) -> bool:
        return bool(self._unread)

    @property
    def tail(self) -> str:
        """Source of what is not finished."""
        return self._segmenter.tail

    def read_on(self) -> list[str]:
        """Read some of what has arrived; return the sources of the blocks that it finished, which are to be added."""
        text = self._next_slice()
        self._read_length += code_units(text)
        self._open += text
        return self._segmenter.feed(text)

    def render_finished(self, sources: list[str]) -> list[str]:
        """May be called in a thread, and wait."""
        references, budget = self._references, self._budget
        return [render_block(source, references, budget) for source in sources]

    def render_tail(self, source: str) -> str:
        """May be called in a thread."""
        return render_tail(source, self._references).html

    def add_blocks(self, html: list[str]) -> None:
        """These will not change any more."""
        self.blocks += html
        if newly := self._segmenter.tail_start - self._closed:
            self.upto += code_units(self._open[:newly])
            self._open = self._open[newly:]
            self._closed += newly
            self.tail_version = 0

    def set_tail(self, html: str) -> None:
        """What is not finished as it looks now, when all that was read is in it."""
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
