"""A question that was asked before, word for word, is answered without a model server, where that is right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from redis.asyncio import Redis

from streaming.cache import response_cache
from streaming.cache.answers import Reuse
from streaming.cache.response_cache import CachedAnswer, ResponseCache
from streaming.model_servers.vllm.wire import ChatDelta, Usage

from .conftest import ALICE, BOB, Desk

QUESTION = "[think] Explain a table with code"
ANSWER = CachedAnswer("demo", "text", "", "stop", Usage(3, 2))


async def test_the_second_time_no_model_is_asked_and_it_is_said(desk: Desk) -> None:
    first = await desk.ask(QUESTION)
    second = await desk.ask(QUESTION)

    assert desk.requests == 1
    assert (second.text, second.thinking) == (first.text, first.thinking)
    assert (first.outcome.cached, second.outcome.cached) == (False, True)


async def test_a_kept_answer_has_the_figures_of_the_first(desk: Desk) -> None:
    first = (await desk.ask(QUESTION)).outcome
    second = (await desk.ask(QUESTION)).outcome

    assert (second.prompt_tokens, second.completion_tokens) == (first.prompt_tokens, first.completion_tokens)
    assert (second.finish_reason, second.model, second.tier) == ("stop", "demo", desk.tier.slug)
    assert first.server and not second.server


async def test_another_users_answer_is_not_taken(desk: Desk) -> None:
    await desk.ask(QUESTION)
    of_bob = await desk.ask(QUESTION, BOB)

    assert desk.requests == 2
    assert not of_bob.outcome.cached


async def test_where_the_tier_allows_it_another_users_answer_is_taken(desk: Desk) -> None:
    desk.rule(cache_across_users=True)
    await desk.ask(QUESTION)
    of_bob = await desk.ask(QUESTION, BOB)

    assert desk.requests == 1
    assert of_bob.outcome.cached


@pytest.mark.parametrize(
    ("rule", "temperature", "requests"),
    [("zero", 0.0, 1), ("zero", 0.7, 2), ("never", 0.0, 2), ("always", 0.7, 1)],
)
async def test_the_tier_says_when(desk: Desk, rule: str, temperature: float, requests: int) -> None:
    desk.rule(caches=rule, temperature=temperature)
    await desk.ask(QUESTION)
    await desk.ask(QUESTION)

    assert desk.requests == requests


@pytest.mark.parametrize("change", [{"max_tokens": 4000}, {"top_p": 0.5}, {"slug": "other"}])
async def test_any_other_request_is_another_one(desk: Desk, change: dict[str, Any]) -> None:
    await desk.ask(QUESTION)
    desk.rule(**change)
    await desk.ask(QUESTION)

    assert desk.requests == 2


async def test_the_system_prompt_is_part_of_the_request(desk: Desk, settings: Settings) -> None:
    await desk.ask(QUESTION)
    settings.SYSTEM_PROMPT = "Answer in verse."
    await desk.ask(QUESTION)

    assert desk.requests == 2


async def test_how_it_is_sent_makes_no_difference(desk: Desk) -> None:
    first = await desk.ask(QUESTION)
    desk.rule(streams=False)
    second = await desk.ask(QUESTION)

    assert desk.requests == 1
    assert second.text == first.text


async def test_a_fresh_answer_asks_the_model_and_takes_the_place_of_the_kept_one(desk: Desk) -> None:
    await desk.ask(QUESTION)
    fresh = await desk.ask(QUESTION, fresh=True)
    after = await desk.ask(QUESTION)

    assert desk.requests == 2
    assert (fresh.outcome.cached, after.outcome.cached) == (False, True)


async def test_a_stopped_answer_is_not_kept(desk: Desk) -> None:
    stopped = desk.begin("[[demo rate=50]] count to 5000")
    await stopped.until_text()
    await stopped.runner.close()
    await stopped.end()
    await desk.unanswered()
    again = desk.begin("[[demo rate=50]] count to 5000")
    await again.until_text()
    await again.runner.close()
    await again.end()

    assert desk.requests == 2


async def test_an_answer_that_was_cut_is_not_kept(desk: Desk) -> None:
    desk.rule(max_tokens=3)
    cut = await desk.ask("count to 50")
    await desk.ask("count to 50")

    assert cut.outcome.finish_reason == "length"
    assert desk.requests == 2


async def test_a_continued_answer_neither_takes_nor_gives(desk: Desk) -> None:
    await desk.ask("count to 5", begun="1 2 ")
    again = await desk.ask("count to 5", begun="1 2 ")

    assert desk.requests == 2
    assert (again.text, again.outcome.cached) == ("1 2 3 4 5 ", False)


async def test_switched_off_it_does_nothing(desk: Desk, settings: Settings) -> None:
    settings.RESPONSE_CACHE = False
    await desk.ask(QUESTION)
    await desk.ask(QUESTION)

    assert desk.requests == 2


# Redis


async def test_without_redis_the_model_answers(desk: Desk, tmp_path: Path) -> None:
    desk.reuse = Reuse(desk.reuse.http, ResponseCache(Redis.from_url(f"unix://{tmp_path}/nobody.sock")))
    first = await desk.ask(QUESTION)
    second = await desk.ask(QUESTION)

    assert desk.requests == 2
    assert first.text == second.text != ""


async def test_a_redis_that_says_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        gone.release()

    gone = asyncio.Semaphore(0)
    monkeypatch.setattr(response_cache, "PATIENCE_S", 0.05)
    silent = await asyncio.start_unix_server(hear, str(tmp_path / "silent.sock"))
    async with silent, Redis.from_url(f"unix://{tmp_path}/silent.sock") as client:
        answers = ResponseCache(client)
        await answers.keep("key", ANSWER, ALICE)
        found = await answers.find("key")
        for _ in range(2):
            await gone.acquire()

    assert found is None


async def test_what_cannot_be_read_is_not_there(redis: Redis) -> None:
    await redis.hset(response_cache.redis_key("strange"), mapping={"answer": b"\xff", "life": 60})

    assert await ResponseCache(redis).find("strange") is None


async def test_each_use_doubles_the_life_up_to_a_week(redis: Redis) -> None:
    answers = ResponseCache(redis)
    await answers.keep("loved", ANSWER, ALICE)
    lives = [await redis.ttl(response_cache.redis_key("loved"))]
    for _ in range(9):
        assert await answers.find("loved") == ANSWER
        lives.append(await redis.ttl(response_cache.redis_key("loved")))

    assert [round(life / 3600) for life in lives] == [1, 2, 4, 8, 16, 32, 64, 128, 168, 168]


async def test_a_large_answer_is_not_kept(redis: Redis) -> None:
    answers = ResponseCache(redis)
    await answers.keep("large", CachedAnswer("demo", "x" * response_cache.LARGEST_BYTES, "", "stop", Usage()), ALICE)

    assert await answers.find("large") is None


@pytest.fixture
async def small_redis(redis: Redis) -> AsyncIterator[Redis]:
    """With the policy of `make run`, and room for little more than it has."""
    used = (await redis.info("memory"))["used_memory"]
    await redis.config_set("maxmemory-policy", "volatile-lru")
    await redis.config_set("maxmemory", used + 4_000_000)
    yield redis
    await redis.delete("throughline:log:running")
    await redis.config_set("maxmemory", 0)
    await redis.config_set("maxmemory-policy", "noeviction")


async def test_at_the_limit_of_memory_old_answers_go_and_running_logs_stay(small_redis: Redis) -> None:
    await small_redis.xadd("throughline:log:running", {"d": "x" * 100_000})
    answers = ResponseCache(small_redis)
    for number in range(100):
        await answers.keep(f"number-{number}", CachedAnswer("demo", "x" * 100_000, "", "stop", Usage()), ALICE)
    found = [await answers.find(f"number-{number}") for number in range(100)]

    assert 10 < len([answer for answer in found if answer]) < 60
    assert await small_redis.xlen("throughline:log:running") == 1


# What is kept


@pytest.mark.parametrize(
    "deltas",
    [[], [ChatDelta(text="cut")], [ChatDelta(text="cut", finish_reason="length")], [ChatDelta(finish_reason="stop")]],
)
def test_only_complete_answers_are(deltas: list[ChatDelta]) -> None:
    assert CachedAnswer.of("demo", deltas) is None


def test_tokens_are_counted_if_the_server_does_not_tell() -> None:
    deltas = [ChatDelta(thinking="so"), ChatDelta(text="a"), ChatDelta(text="b"), ChatDelta(finish_reason="stop")]

    answer = CachedAnswer.of("demo", deltas)

    assert answer is not None
    assert (answer.text, answer.thinking, answer.usage) == ("ab", "so", Usage(0, 3))


def test_a_long_text_is_told_in_pieces_and_none_is_lost() -> None:
    text = "😀 wörld " * 500

    told = list(CachedAnswer("demo", text, "", "stop", Usage()).as_deltas())

    assert len(told) > 3
    assert "".join(delta.text for delta in told) == text
