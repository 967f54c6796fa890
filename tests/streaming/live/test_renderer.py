"""HTML of answers that are being written is made beside the text, and never in its way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from conversations.models.chat.message import PartKey, PartKind
from conversations.rendering import render_blocks
from conversations.rendering.highlighting import client
from conversations.rendering.highlighting.client import Highlighter, Reply
from streaming.live.answer import LiveAnswer, LivePart
from streaming.live.renderer import Renderer
from streaming.log.stream_log import Position

CODE = "```python\nx = 1\n```\n\n"


class SlowHighlighter(Highlighter):
    """Replies when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may_reply = threading.Event(), threading.Event()

    def _ask(self, request: bytes, key: bytes) -> Reply:
        self.asked.set()
        assert self.may_reply.wait(60)
        return Reply('<span class="n">x</span>', 0.001)


@pytest.fixture
def highlighter(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowHighlighter]:
    found = SlowHighlighter()
    monkeypatch.setattr(client, "_highlighter", found)
    yield found
    found.may_reply.set()


class Live:
    """One part of an answer, and the renderer at work."""

    def __init__(self) -> None:
        self.answer = LiveAnswer(uuid4())
        self.part = LivePart(PartKey(0, PartKind.TEXT))
        self.answer.parts[self.part.key] = self.part
        self.rendered = asyncio.Event()
        self.answer.watchers[self] = lambda _: self.rendered.set()
        self.renderer = Renderer()

    def arrive(self, text: str) -> None:
        self.part.append(text)
        self.rendered.clear()
        self.renderer.add(self.answer)

    def begin_anew(self, position: Position) -> None:
        self.part = self.answer.parts[self.part.key] = LivePart(self.part.key, position)

    async def until_read(self) -> None:
        while self.part.has_unread or not self.rendered.is_set():
            self.rendered.clear()
            await self.rendered.wait()


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    found = Live()
    task = asyncio.create_task(found.renderer.run())
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_text_arrives_while_code_waits_for_its_colours(live: Live, highlighter: SlowHighlighter) -> None:
    live.arrive(CODE)
    await asyncio.to_thread(highlighter.asked.wait, 60)  # the loop goes on: this coroutine does

    live.arrive("More")
    assert live.part.text_from(0) == f"{CODE}More"
    assert live.part.blocks == []
    highlighter.may_reply.set()
    await live.until_read()

    assert '<span class="n">x</span>' in live.part.blocks[0]
    assert live.part.upto == len(CODE)
    assert live.part.tail_html == '<p dir="auto">More</p>'


async def test_a_part_that_is_begun_anew_meanwhile_has_nothing_of_the_old_one(
    live: Live, highlighter: SlowHighlighter
) -> None:
    live.arrive(CODE)
    await asyncio.to_thread(highlighter.asked.wait, 60)

    live.begin_anew("2-1")
    live.arrive("Anew\n\n")
    highlighter.may_reply.set()
    await live.until_read()

    assert live.part.blocks == ['<p dir="auto">Anew</p>']


async def test_a_large_piece_is_read_in_slices_and_looks_the_same(live: Live) -> None:
    text = "".join(f"Paragraph {number} with 🧵 and *words*.\n\n" for number in range(400))

    live.arrive(text)
    await live.until_read()

    assert live.part.blocks == render_blocks(text)
    assert live.part.upto == len(text.encode("utf-16-le")) // 2
