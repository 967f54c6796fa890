"""An answer goes on from its beginning on every kind of server, and nothing stands there twice."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from conversations.models.generation.plan import StageResult
from streaming.demo.answers import answer_to
from streaming.demo.completion import Options
from streaming.log.records import AnyRecord, Restarted, decode
from streaming.log.stream_log import FIELD, key_of
from streaming.model_servers.capabilities import Capabilities, Capability, Continuing
from streaming.model_servers.pool import Route
from streaming.worker.stage.request import Refused, RouteCapabilities

from .conftest import Asked, Desk

COUNT = "count to 60"
NUMBERS = answer_to(COUNT)
CUTS = (0, 1, 13, 14, 60, len(NUMBERS) - 1)  # among them: inside a number, and before and behind a blank


async def records(redis: Redis, asked: Asked) -> list[AnyRecord]:
    await asked.handle.flush()
    return [decode(fields[FIELD]) for _, fields in await redis.xrange(key_of(asked.handle.generation_id))]


async def restarts(redis: Redis, asked: Asked) -> int:
    return sum(isinstance(record, Restarted) for record in await records(redis, asked))


def let(desk: Desk, **behaviour: object) -> None:
    for model in desk.models:
        model.faults.set(behaviour)


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("kind", ["exact", "repeats"])
async def test_it_goes_on_where_it_was(desk: Desk, redis: Redis, kind: str, cut: int, streams: bool) -> None:
    let(desk, continuing=kind)
    desk.rule(streams=streams)

    asked = await desk.ask(COUNT, begun=NUMBERS[:cut])

    assert asked.text == NUMBERS
    assert await restarts(redis, asked) == 0


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("kind", ["anew", "refuses"])
async def test_it_is_written_anew_where_it_cannot_go_on(desk: Desk, redis: Redis, kind: str, streams: bool) -> None:
    let(desk, continuing=kind)
    desk.rule(streams=streams)

    asked = await desk.ask(COUNT, begun=NUMBERS[:60], fresh=True)

    assert asked.text == NUMBERS
    assert await restarts(redis, asked) == 1


@pytest.mark.parametrize("fault", ["status=500", "drop_after=3", "error_after=3", "rubbish_after=3", "end_after=3"])
async def test_the_other_server_goes_on_where_the_first_one_failed(desk: Desk, redis: Redis, fault: str) -> None:
    name, _, value = fault.partition("=")
    desk.models[0].faults.set({name: int(value)})

    asked = await desk.ask(COUNT, fresh=True)

    assert asked.text == NUMBERS
    assert await restarts(redis, asked) == 0
    assert asked.outcome.server == desk.servers.servers[1].key
    assert asked.runner.columns()["failovers"] == 1


async def test_what_servers_do_is_learned_and_shared(desk: Desk, redis: Redis) -> None:
    for kind in Continuing.EXACT, Continuing.REPEATS, Continuing.ANEW, Continuing.REFUSES:
        let(desk, continuing=kind)
        desk.servers.trials.forget()

        asked = await desk.ask(COUNT, begun=NUMBERS[:60], fresh=True)

        await desk.servers.capabilities.exchange(redis)
        other = Capabilities()
        await other.exchange(redis)
        server = next(s for s in desk.servers.servers if s.key == asked.outcome.server)
        assert other.continuing(server, "demo", streams=True) is kind


async def test_a_server_that_was_replaced_doubles_nothing(desk: Desk, redis: Redis) -> None:
    """What was learned before holds no longer."""
    for before, now in (("exact", "repeats"), ("repeats", "exact"), ("anew", "repeats"), ("refuses", "exact")):
        let(desk, continuing=before)
        await desk.ask(COUNT, begun=NUMBERS[:60], fresh=True)
        let(desk, continuing=now)
        desk.servers.trials.forget()

        asked = await desk.ask(COUNT, begun=NUMBERS[:61])

        assert asked.text == NUMBERS
        assert await restarts(redis, asked) == 0


@pytest.mark.parametrize(
    "begun", ["[echo] ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha", "[echo] 1, 1, 1, 1, 1, 1, 1, 1, 1"]
)
async def test_a_text_that_says_the_same_again_goes_on(desk: Desk, redis: Redis, begun: str) -> None:
    whole = begun.removeprefix("[echo] ")
    for kind in ("exact", "repeats"):
        let(desk, continuing=kind)
        desk.servers.trials.forget()

        asked = await desk.ask(begun, begun=whole[:18])

        assert asked.text == whole
        assert await restarts(redis, asked) == 0


async def test_blanks_alone_are_no_beginning(desk: Desk) -> None:
    let(desk, continuing="refuses")

    asked = await desk.ask(COUNT, begun=" \n")

    assert asked.text == NUMBERS


async def test_thinking_stands_there_once_when_the_answer_is_written_anew(desk: Desk) -> None:
    let(desk, continuing="anew")
    alone = await desk.ask("[think] " + COUNT, fresh=True)

    asked = await desk.ask("[think] " + COUNT, fresh=True, begun=NUMBERS[:60])

    assert (asked.text, asked.thinking) == (alone.text, alone.thinking)


async def test_probabilities_are_asked_for_as_the_server_understands(desk: Desk) -> None:
    measured = []
    for told in ("all", "top-1", "none"):
        let(desk, probabilities=told)
        for server in desk.servers.servers:
            desk.servers.capabilities.forget(server)
        answers = [await desk.ask(COUNT, fresh=True) for _ in range(4)]
        measured.append([bool(answer.outcome.measured_tokens) for answer in answers[2:]])

    assert measured == [[True, True], [True, True], [False, False]]
    assert [desk.servers.capabilities.top_logprobs(s, "demo") for s in desk.servers.servers].count(None) >= 1


@pytest.mark.parametrize(("kind", "measured"), [("exact", 9), ("repeats", 9), ("anew", 0), ("refuses", 0)])
async def test_what_was_measured_of_a_text_that_is_gone_is_not_told(desk: Desk, kind: str, measured: int) -> None:
    let(desk, continuing=kind, probabilities="none")
    earlier = StageResult(
        "running", measured_tokens=9, probability=0.5, low_confidence_share=1.0, low_confidence_spans=[[0, 60]]
    )

    asked = desk.begin(COUNT, begun=NUMBERS[:60], earlier=earlier)

    assert await asked.end() is None
    assert (asked.outcome.measured_tokens, asked.outcome.low_confidence_spans) == (
        measured,
        [[0, 60]] if measured else [],
    )


async def test_usage_and_streaming_are_learned(desk: Desk) -> None:
    let(desk, no_usage=True, no_stream=True)
    await desk.ask(COUNT)
    asked = await desk.ask(COUNT, fresh=True)

    server = next(s for s in desk.servers.servers if s.key == asked.outcome.server)
    assert desk.servers.capabilities.value(server, "demo", Capability.STREAMING) == "no"
    assert desk.servers.capabilities.value(server, "demo", Capability.USAGE) == ""  # of streams
    assert asked.text == NUMBERS


async def test_words_that_only_look_like_a_refusal_of_something_teach_nothing(desk: Desk) -> None:
    server = desk.servers.servers[0]
    refused: Refused = {}
    route = Route(desk.tier, server, "demo")
    for words in ("400: upstream said no", "400: no logprobs", "400: no logprobs", "400: stream_options?"):
        assert RouteCapabilities(desk.servers, route, refused, streams=True).ask_less(words) is (
            words != "400: stream_options?"
        )
    capabilities = RouteCapabilities(desk.servers, route, refused, streams=True)

    assert (capabilities.streams, capabilities.asks_usage, capabilities.top_logprobs) == (False, False, None)
    assert not any(desk.servers.capabilities.value(server, "demo", capability) for capability in Capability)


async def test_a_body_that_ends_while_it_repeats_is_no_complete_answer(desk: Desk, redis: Redis) -> None:
    desk.models[0].faults.set({"continuing": "repeats", "end_after": 3})
    desk.models[1].faults.set({"continuing": "repeats"})

    for _ in range(2):
        asked = await desk.ask(COUNT, begun=NUMBERS[:60])

        assert asked.text == NUMBERS
        assert await restarts(redis, asked) == 0


async def test_a_server_that_is_replaced_behind_its_trial_costs_no_text(desk: Desk, redis: Redis) -> None:
    """As behind an address that leads to servers of both kinds."""
    for before, now in (("exact", "repeats"), ("exact", "anew"), ("repeats", "exact"), ("repeats", "anew")):
        let(desk, continuing=before)
        for server in desk.servers.servers:
            await desk.servers.trials.continuing(server, "demo", streams=True)
        let(desk, continuing=now)

        asked = await desk.ask(COUNT, begun=NUMBERS[:80], fresh=True)

        assert asked.text == NUMBERS
        assert await restarts(redis, asked) == ((before, now) == ("repeats", "exact"))
        desk.servers.trials.forget()


@pytest.mark.parametrize("kind", ["exact", "repeats", "anew"])
async def test_a_long_text_goes_on(desk: Desk, kind: str) -> None:
    let(desk, continuing=kind)
    desk.rule(max_tokens=60_000)
    for model in desk.models:
        model.options = Options(max_model_len=200_000)
    count = "count to 20000"
    whole = answer_to(count)

    asked = await desk.ask(count, begun=whole[:100_003], fresh=True)

    assert asked.text == whole


async def test_a_server_with_one_place_keeps_nobody_waiting_for_its_trial(desk: Desk) -> None:
    """Known, it is not waited for; unknown, it comes before the answer."""
    for model in desk.models:
        model._places = asyncio.Semaphore(1)

    for begun in (NUMBERS[:60], NUMBERS[:70]):
        assert (await desk.ask(COUNT, begun=begun, fresh=True)).text == NUMBERS
        desk.servers.trials.forget()
