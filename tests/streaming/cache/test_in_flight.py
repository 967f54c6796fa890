"""The same question twice at once is one request to a model server, and each of those who asked is independent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from conversations.models.generation.errors import ErrorCode
from streaming.cache.in_flight import InFlightRequest
from streaming.demo.answers import answer_to
from streaming.model_servers.breaker import BreakerState
from streaming.model_servers.pool import Route
from streaming.model_servers.vllm.client import ChatStream
from streaming.model_servers.vllm.wire import ChatDelta

from .conftest import BOB, Desk

SLOW = "[[demo rate=100]] "
COUNT = "count to 60"
NUMBERS = answer_to(COUNT)


async def test_two_at_once_make_one_request_and_both_have_the_whole_text(desk: Desk) -> None:
    both = [desk.begin(SLOW + COUNT), desk.begin(SLOW + COUNT)]
    for asked in both:
        assert await asked.end() is None

    assert desk.requests == 1
    assert [asked.text for asked in both] == [NUMBERS, NUMBERS]
    assert [asked.outcome.cached for asked in both] == [False, False]
    assert sorted(asked.outcome.coalesced for asked in both) == [False, True]  # one of them pays
    assert both[0].outcome.server == both[1].outcome.server != ""


async def test_who_comes_later_gets_all_from_the_beginning(desk: Desk) -> None:
    first = desk.begin(SLOW + COUNT)
    await first.until_text()
    late = desk.begin(SLOW + COUNT)
    await late.end()
    await first.end()

    assert desk.requests == 1
    assert late.text == first.text == NUMBERS


async def test_the_first_stops_and_the_other_goes_on(desk: Desk) -> None:
    first = desk.begin(SLOW + COUNT)
    other = desk.begin(SLOW + COUNT)
    await other.until_text()
    await first.runner.close()
    await first.end()
    await other.end()
    await desk.settled()
    again = await desk.ask(SLOW + COUNT)

    assert desk.requests == 1
    assert other.text == NUMBERS
    assert len(first.text) < len(NUMBERS)
    assert (first.ended.coalesced, other.ended.coalesced) == (True, False)  # who stays pays
    assert again.outcome.cached


async def test_when_all_have_stopped_the_model_does_too(desk: Desk) -> None:
    both = [desk.begin(SLOW + "count to 9000"), desk.begin(SLOW + "count to 9000")]
    for asked in both:
        await asked.until_text()
    for asked in both:
        await asked.runner.close()
        await asked.end()
    await desk.unanswered()

    assert desk.requests == 1
    assert [asked.ended.coalesced for asked in both] == [True, False]  # the last one pays what came


async def test_who_asks_after_all_have_stopped_is_answered(desk: Desk) -> None:
    stopped = desk.begin(SLOW + COUNT)
    await stopped.until_text()
    await stopped.runner.close()
    after = desk.begin(SLOW + COUNT)
    await after.end()
    await stopped.end()

    assert desk.requests == 2
    assert after.text == NUMBERS
    assert (stopped.ended.coalesced, after.ended.coalesced) == (False, False)


class SlowToEnd(ChatStream):
    """Closed, it is still unwinding."""

    def __init__(self) -> None:
        self.unwound = asyncio.Event()

    async def deltas(self) -> AsyncGenerator[ChatDelta, None]:
        yield ChatDelta(text="1 ")
        await self.unwound.wait()

    async def close(self) -> None:
        pass


async def test_nobody_joins_a_request_that_is_being_closed(desk: Desk) -> None:
    upstream, requests = SlowToEnd(), desk.reuse.requests
    request = InFlightRequest(upstream, Route(desk.tier, desk.tier.server, "demo"))
    requests.begin("key", request, lambda _: asyncio.sleep(0), shared=True)
    reader = request.join()
    could_be_joined = requests.find("key") is request
    await reader.close()

    assert could_be_joined and requests.find("key") is None
    upstream.unwound.set()


async def test_another_user_has_a_request_of_their_own(desk: Desk) -> None:
    both = [desk.begin(SLOW + COUNT), desk.begin(SLOW + COUNT, BOB)]
    for asked in both:
        await asked.end()

    assert desk.requests == 2


async def test_a_fresh_answer_is_shared_with_nobody(desk: Desk) -> None:
    both = [desk.begin(SLOW + COUNT), desk.begin(SLOW + COUNT, fresh=True)]
    for asked in both:
        await asked.end()

    assert desk.requests == 2


async def test_a_failure_is_everybodys_and_each_goes_on_elsewhere(desk: Desk) -> None:
    """The second one's server was another, which is not blamed."""
    desk.models[0].faults.set({"rate": 50, "drop_after": 30, "times": 1})
    first = desk.begin(COUNT)
    await first.until_text()
    both = [first, desk.begin(COUNT)]
    codes = [await asked.end() for asked in both]

    assert codes == [None, None]
    assert [asked.text for asked in both] == [NUMBERS, NUMBERS]
    assert [model.requests for model in desk.models] == [1, 2]
    assert list(desk.servers.states().values()) == [BreakerState.OPEN, BreakerState.CLOSED]


async def test_a_request_that_nobody_can_answer_fails_for_both(desk: Desk) -> None:
    both = [desk.begin("[[demo status=400]] hello"), desk.begin("[[demo status=400]] hello")]

    assert [await asked.end() for asked in both] == [ErrorCode.CONTEXT_TOO_LONG] * 2
