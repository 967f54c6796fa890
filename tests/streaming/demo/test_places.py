"""The demo model server's places, and those that wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from streaming.demo.completion import Options
from streaming.demo.faults import Behaviour
from streaming.demo.server import DemoServer

PATIENCE_S = 60.0


class Client:
    """Takes a place, and leaves it when it is told."""

    def __init__(self, server: DemoServer):
        self.server = server
        self.may_leave = asyncio.Event()
        self.has_place = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self.server.place():
            self.has_place.set()
            await self.may_leave.wait()


async def in_line(server: DemoServer, count: int) -> list[Client]:
    """The first has the only place, and the others wait."""
    clients = [Client(server) for _ in range(count)]
    async with asyncio.timeout(PATIENCE_S):
        await clients[0].has_place.wait()
    return clients


@pytest.mark.parametrize("is_sooner", [True, False], ids=["sooner", "later"])
async def test_who_hangs_up_as_a_place_becomes_free_leaves_it_to_the_next(is_sooner: bool) -> None:
    server = DemoServer(Options(), Behaviour(), places=1)
    serving, first, second, third = await in_line(server, 4)

    steps: list[Callable[[], object]] = [serving.may_leave.set, first.task.cancel]
    for step in reversed(steps) if is_sooner else steps:
        step()
    async with asyncio.timeout(PATIENCE_S):
        await second.has_place.wait()

    assert not first.has_place.is_set() and not third.has_place.is_set()
    second.may_leave.set()
    async with asyncio.timeout(PATIENCE_S):
        await third.has_place.wait()
    third.task.cancel()


async def test_nobody_takes_a_place_that_another_has_waited_for() -> None:
    server = DemoServer(Options(), Behaviour(), places=1)
    serving, first = await in_line(server, 2)

    serving.may_leave.set()
    await serving.task
    newcomer = Client(server)
    async with asyncio.timeout(PATIENCE_S):
        await first.has_place.wait()
    await asyncio.sleep(0)

    assert not newcomer.has_place.is_set()
    for client in (first, newcomer):
        client.task.cancel()
