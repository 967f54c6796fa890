"""Places before the first token: by what a server says of its queue, and by what we know of our own requests."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from streaming.model_servers.pool import NoRoom
from streaming.model_servers.queue_lengths import Queue
from streaming.model_servers.vllm.client import ModelServer
from streaming.worker.stage.queue_position import RequestPosition, WaitingRequests

GPU = ModelServer("http://gpu/v1")
PROMPT = 4000  # tokens


class Told:
    """What one request was told, and its place."""

    def __init__(self, waiting: WaitingRequests):
        self.last: tuple[int | None, int] = (None, 0)
        self.place = RequestPosition(waiting, self._hear)

    def _hear(self, ahead: int | None, reading: int) -> None:
        self.last = (ahead, reading)


class World:
    """A line with a clock of its own, and a server with a queue."""

    def __init__(self) -> None:
        self.now = 100.0
        self.queue: Queue | None = None
        self.asked = 0
        self.waiting = WaitingRequests(self, clock=lambda: self.now)

    async def of(self, waited: Mapping[ModelServer, float]) -> dict[ModelServer, Queue]:
        self.asked += 1
        return {GPU: self.queue} if self.queue else {}

    def request(self) -> Told:
        told = Told(self.waiting)
        told.place.at(GPU, PROMPT)
        self.now += 0.01
        return told

    async def look(self, waiting: int, *, seconds: float = 1.0) -> None:
        """So much later, the server says that so many wait."""
        self.now += seconds
        self.queue = Queue(waiting, self.now - 0.001)
        await self.waiting.report()


@pytest.fixture
def world() -> World:
    return World()


async def test_those_that_wait_came_last(world: World) -> None:
    first, second, third = world.request(), world.request(), world.request()

    await world.look(2)

    assert [first.last, second.last, third.last] == [(None, PROMPT), (0, 0), (1, 0)]


async def test_other_processes_requests_are_taken_to_be_before(world: World) -> None:
    mine = world.request()

    await world.look(4)

    assert mine.last == (3, 0)


async def test_a_place_never_grows(world: World) -> None:
    mine = world.request()
    await world.look(3)

    await world.look(9)

    assert mine.last == (2, 0)


async def test_what_is_read_does_not_wait_again(world: World) -> None:
    mine = world.request()
    await world.look(0)

    await world.look(5)

    assert mine.last == (None, PROMPT)


async def test_a_probe_from_before_is_a_hint_that_a_later_look_corrects(world: World) -> None:
    world.queue = Queue(0, world.now - 8)
    mine = world.request()
    world.now += 0.5
    await world.waiting.report()
    assert mine.last == (None, PROMPT)

    await world.look(3)

    assert mine.last == (2, 0)


async def test_a_server_that_tells_nothing_is_only_waited_for(world: World) -> None:
    mine = world.request()
    world.now += 5

    await world.waiting.report()

    assert mine.last == (None, 0)


async def test_nobody_is_asked_for_an_answer_that_begins_at_once(world: World) -> None:
    world.request().place.leave()
    world.request()
    world.now += 0.1

    await world.waiting.report()

    assert world.asked == 0


async def test_who_asks_another_server_is_told_nothing_of_the_first(world: World) -> None:
    mine = world.request()
    await world.look(3)

    mine.place.at(ModelServer("http://other/v1"), PROMPT)

    assert mine.last == (None, 0)


async def test_room_is_given_in_the_order_in_which_it_was_asked_for(world: World) -> None:
    first, second, third = Told(world.waiting), Told(world.waiting), Told(world.waiting)
    for told in (first, second):
        told.place.for_room("fast")
    await world.waiting.report()

    assert [first.last, second.last] == [(0, 0), (1, 0)]
    first.place.check_turn("fast")
    for late in (second, third):
        with pytest.raises(NoRoom):
            late.place.check_turn("fast")
    third.place.check_turn("another")

    first.place.at(GPU, PROMPT)
    second.place.check_turn("fast")
