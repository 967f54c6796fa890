"""One part of an answer that is being written: its text so far, and that text as HTML."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

from conversations.models.message import PartKey, PartKind
from conversations.rendering import References, Segmenter, render_block, render_tail
from streaming.log.stream_log import BEGINNING, Position
from streaming.protocol import code_units

SLICE = 2_000  # characters that are read at a time, so that a long answer does not hold up the others
TAIL_LIMIT = 20_000  # characters; a longer open block stays plain text until it ends


class LivePart:
    """Text goes in as it arrives, at once; HTML is made when there is time for it. Lengths count code units."""

    def __init__(self, key: PartKey, begun_at: Position = BEGINNING):
        """One that is written anew is another part: what is under way with the first one is no matter to it."""
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
            pieces[0] = pieces[0].encode("utf-16-le")[skipped * 2 :].decode("utf-16-le", "replace")
        return "".join(pieces)

    # HTML

    @property
    def has_unread(self) -> bool:
        return bool(self._unread)

    @property
    def open_length(self) -> int:
        return len(self._open)

    def render_finished(self) -> None:
        """Read some of what has arrived, and render the blocks that it finished: they will not change any more."""
        text = self._next_slice()
        for source in self._segmenter.feed(text):
            self.blocks.append(render_block(source, self._references))
        self._read_length += code_units(text)
        self._open += text
        if newly := self._segmenter.tail_start - self._closed:
            self.upto += code_units(self._open[:newly])
            self._open = self._open[newly:]
            self._closed += newly
            self.tail_version = 0

    def open_html(self) -> str | None:
        """What is not finished as it looks now, once all has been read; None if it is too long. May run in a thread."""
        tail = self._segmenter.tail
        return None if len(tail) > TAIL_LIMIT else render_tail(tail, self._references).html

    def set_tail(self, html: str) -> None:
        """Of all that has been read."""
        self.tail_html = html
        self.tail_upto = self._read_length
        self.tail_version += 1

    def _next_slice(self) -> str:
        taken: list[str] = []
        size = 0
        while self._unread and size < SLICE:
            taken.append(self._unread.popleft())
            size += len(taken[-1])
        return "".join(taken)
