"""A page that reads nothing costs bounded memory, is sent away, resumes; and slows nobody."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from streaming.protocol import CLOSE_TOO_SLOW
from tests.harness.page import PATIENCE_S, Page
from tests.harness.site import Site

WINDOW_BYTES = 30_000
FRAME_BYTES = 8_000  # more than one event of this answer takes
LENGTH = 1_000
NUMBERS = "".join(f"{n} " for n in range(1, LENGTH + 1))


@pytest.fixture
def strict() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="throughline-strict-") as folder:
        site = Site(Path(folder), VIEWER_WINDOW_BYTES=str(WINDOW_BYTES), VIEWER_ACK_DEADLINE_S="3")
        yield site.start()
        site.stop()


async def test_a_page_that_reads_nothing_is_sent_away_and_resumes(strict: Site) -> None:
    async with Page(strict, "alice") as asker:
        await asker.send(f"count to {LENGTH} [[demo rate=400]]")
        async with Page(strict, "alice", asker.conversation) as deaf:
            deaf.generation, deaf.message = asker.generation, asker.message
            await deaf.watch()
            await asker.finish()  # nobody waits for the deaf one

            sent, code = await unacknowledged(deaf)
            await deaf.open()
            await deaf.watch()
            await deaf.finish()

    assert asker.answer == NUMBERS
    assert sent <= WINDOW_BYTES + FRAME_BYTES
    assert code == CLOSE_TOO_SLOW
    assert deaf.answer == NUMBERS == deaf.stored()


async def unacknowledged(page: Page) -> tuple[int, int]:
    """Bytes that it is sent without a word of its own, until it is closed; and the code."""
    sent = 0
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                sent += len(await page.socket.recv(decode=False))
            except ConnectionClosed as closed:
                assert closed.rcvd is not None
                return sent, closed.rcvd.code
