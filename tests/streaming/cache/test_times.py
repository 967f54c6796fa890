"""When tokens came, as a worker notes it: of streams, of whole answers, of the cache, of several servers."""

from __future__ import annotations

import asyncio

from streaming.model_servers.vllm.client import WHOLE_ANSWER_TIMEOUT_S

from .conftest import PATIENCE_S, Asked, Desk

THINKS = "[think] Explain a table with code"
COUNT = "count to 600"
SECOND_SERVER_S = 0.6  # until its first token


async def test_an_answer_that_came_as_a_whole_came_in_one_moment(desk: Desk) -> None:
    desk.rule(streams=False)
    asked = await desk.ask(THINKS)

    figures = asked.runner.columns()
    assert asked.thinking and asked.text
    assert figures["first_token_at"] == figures["last_token_at"]


async def test_a_streams_tokens_came_one_after_the_other(desk: Desk) -> None:
    figures = (await desk.ask(THINKS)).runner.columns()

    assert figures["first_token_at"] < figures["last_token_at"]  # type: ignore[operator]


async def test_what_comes_from_the_cache_has_no_gaps(desk: Desk) -> None:
    first, again = await desk.ask(COUNT), await desk.ask(COUNT)

    assert again.outcome.cached
    assert "gap_p95_ms" in first.runner.timing() and "gap_p95_ms" not in again.runner.timing()


async def test_the_wait_for_another_server_is_no_gap_between_tokens(desk: Desk) -> None:
    desk.models[0].faults.set({"rate": 100, "drop_after": 30, "times": 1})
    desk.models[1].faults.set({"ttft": SECOND_SERVER_S})
    measures = (await desk.ask("count to 60")).runner.timing()

    assert [model.requests for model in desk.models] == [1, 1]
    assert measures["gap_longest_ms"] < 1000 * SECOND_SERVER_S  # type: ignore[operator]


async def test_the_first_request_stays_known_when_another_server_is_asked(desk: Desk) -> None:
    desk.models[0].faults.set({"status": 500, "headers": 0.3, "times": 1})
    figures = (await desk.ask(COUNT)).runner.columns()

    assert figures["failovers"] == 1
    assert (figures["requested_at"] - figures["first_requested_at"]).total_seconds() >= 0.3  # type: ignore[operator]
    assert figures["requested_at"] <= figures["first_token_at"]  # type: ignore[operator]


async def due_in(asked: Asked) -> float | None:
    """Seconds after its request, as soon as there is one."""
    async with asyncio.timeout(PATIENCE_S):
        while (standing := asked.runner.results_so_far().get(0)) is None:
            await asyncio.sleep(0.01)
    requested = asked.runner.columns()["requested_at"]
    accepted_s = (requested - asked.accepted_at).total_seconds()  # type: ignore[operator]
    return None if standing.due_s is None else round(standing.due_s - accepted_s)


async def test_it_is_known_when_a_request_is_given_up(desk: Desk) -> None:
    desk.rule(first_token_timeout_s=70.0, silence_timeout_s=7.0)
    asked = desk.begin("[[demo ttft=0.3 rate=100]] count to 60")
    for_first = await due_in(asked)
    await asked.until_text()
    for_further = await due_in(asked)
    await asked.end()

    assert for_first == 70
    assert for_further is not None and 7 <= for_further < 70
    assert asked.outcome.due_s is None


async def test_a_whole_answer_is_waited_for_longer(desk: Desk) -> None:
    desk.rule(first_token_timeout_s=70.0, streams=False)
    asked = desk.begin("[[demo ttft=0.3]] count to 3")
    due = await due_in(asked)
    await asked.end()

    assert due == WHOLE_ANSWER_TIMEOUT_S
