"""The demo model server's places, and those that wait for one."""

from __future__ import annotations

import asyncio

import pytest

from streaming.demo.completion import Options
from streaming.demo.faults import Manner
from streaming.demo.server import DemoServer

PATIENCE_S = 60.0


async def in_line(server: DemoServer, count: int) -> list[asyncio.Task[None]]:
    """That many wait, while another has the only place."""
    await server.enter()
    waiting = [asyncio.create_task(server.enter()) for _ in range(count)]
    await asyncio.sleep(0)
    return waiting


@pytest.mark.parametrize("is_sooner", [True, False], ids=["sooner", "later"])
async def test_who_hangs_up_as_a_place_becomes_free_leaves_it_to_the_next(is_sooner: bool) -> None:
    server = DemoServer(Options(), Manner(), places=1)
    first, second, third = await in_line(server, 3)

    steps = [server.leave, first.cancel]
    for step in reversed(steps) if is_sooner else steps:
        step()
    await asyncio.wait([first, second], timeout=PATIENCE_S)

    assert first.cancelled() and second.done() and not third.done()
    server.leave()
    await asyncio.wait([third], timeout=PATIENCE_S)
    assert third.done()


async def test_nobody_takes_a_place_that_another_has_waited_for() -> None:
    server = DemoServer(Options(), Manner(), places=1)
    (first,) = await in_line(server, 1)

    newcomer = asyncio.create_task(server.enter())  # its turn in the loop comes before that of who waits
    server.leave()
    await asyncio.wait([first], timeout=PATIENCE_S)

    assert first.done() and not newcomer.done()
    newcomer.cancel()
