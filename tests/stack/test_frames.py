"""What travels on the wire: large frames compressed, for who takes them so; or all as long as a multiple."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from streaming.benchmark.websocket import TEXT, WebSocket, opening
from tests.harness.page import PATIENCE_S, Page
from tests.harness.processes import free_port, web_process
from tests.harness.site import Site

LARGE, PADDING = 1024, 256  # bytes


class Wire(WebSocket):
    """A socket that keeps each frame with its size on the wire."""

    def __init__(self, request: bytes):
        super().__init__(request, lambda _, text, size: self.frames.put_nowait((text, size)), self._leave)
        self.frames: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue()
        self.gone = asyncio.Event()

    def _leave(self) -> None:
        self.gone.set()

    async def until(self, type: str) -> list[tuple[bytes, int]]:
        """The frames up to one of this type."""
        found = []
        async with asyncio.timeout(PATIENCE_S):
            while not found or json.loads(found[-1][0])["type"] != type:
                found.append(await self.frames.get())
        return found


async def wire(site: Site, conversation: str, port: int) -> Wire:
    request = opening(f"127.0.0.1:{port}", f"/ws/chat/{conversation}/", f"sessionid={site.cookie('alice')}")
    _, socket = await asyncio.get_running_loop().create_connection(lambda: Wire(request), "127.0.0.1", port)
    await socket.opened
    return socket


@pytest.fixture
async def answered(site: Site) -> AsyncIterator[Page]:
    """It has so much text, and goes on when it is let go."""
    async with Page(site, "alice") as page:
        with site.held(1600):
            await page.send("[[demo rate=0]] Tell me a long story")
            await page.until_text(4 * LARGE)
            yield page
            await page.stop()
            await page.finish()


async def test_a_large_frame_is_compressed_and_a_token_is_not(site: Site, answered: Page) -> None:
    late = await wire(site, answered.conversation, site.port)
    late.send(
        json.dumps({"type": "answer.watch", "generation": answered.generation, "position": "", "seen": {}}).encode()
    )

    frames = await late.until("blocks.done")
    site.let_go()
    frames += [await late.frames.get() for _ in range(5)]
    late.close()

    # Prose of a frame alone comes to about half of its length.
    assert all(size < 0.75 * len(text) for text, size in frames if len(text) >= 2 * LARGE)
    assert all(size > len(text) for text, size in frames if len(text) < LARGE)
    assert max(len(text) for text, _ in frames) >= 2 * LARGE


async def test_a_bomb_is_refused_and_the_process_lives(site: Site) -> None:
    page = await wire(site, "new", site.port)
    await page.until("hello")
    press = zlib.compressobj(9, zlib.DEFLATED, -9)
    bomb = press.compress(b" " * 100_000_000) + press.flush(zlib.Z_SYNC_FLUSH)
    page.send(bomb[:-4], TEXT | 0x40)

    async with asyncio.timeout(PATIENCE_S):
        await page.gone.wait()
    async with Page(site, "alice") as other:
        assert other.hello["type"] == "hello"


@pytest.fixture(scope="module")
def padding_port(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a further web process, that pads."""
    folder: Path = tmp_path_factory.mktemp("padding")
    port = free_port()
    process = web_process(folder, port, {**site.env, "FRAME_PADDING_BYTES": str(PADDING)}, name="padding")
    yield port
    process.stop()


async def test_no_frame_tells_its_words_by_its_length(site: Site, padding_port: int) -> None:
    page = await wire(site, "new", padding_port)
    page.send(json.dumps({"type": "message.send", "id": str(uuid4()), "text": "Tell me a story"}).encode())
    frames = await page.until("answer.finished")
    page.close()

    assert len(frames) > 20
    assert {len(text) % PADDING for text, _ in frames} == {0}
    assert all(size > len(text) for text, size in frames)  # not compressed: that would tell again
