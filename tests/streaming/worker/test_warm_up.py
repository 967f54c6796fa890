"""Models that rest are kept warm, by real requests to a real server, and never at the cost of an answer."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import pytest
from django.contrib.auth.models import User
from pytest_django import Settings
from redis.asyncio import Redis

from streaming.coordination.redis_clients import open_sync_client
from streaming.model_servers.capabilities import NO, YES, Capability, Continuing, Probabilities
from streaming.model_servers.pool import ModelServers
from streaming.model_servers.vllm.client import http_client
from streaming.model_servers.vllm.errors import Unreachable
from streaming.model_servers.warmth import TierWarmth, Warmth, likely, warmth_of
from streaming.planning.tiers import TierSpec, environment_tiers
from streaming.worker import warm_up
from streaming.worker.warm_up import Warmer, latest_slugs
from tests.harness.processes import free_port, model_process
from tests.streaming.operations.rows import asked

NOBODY = "http://127.0.0.1:9/v1"


class Model:
    """The demo model server, as seen from outside."""

    def __init__(self, port: int):
        self.url = f"http://127.0.0.1:{port}/v1"
        self._root = f"http://127.0.0.1:{port}"

    def told(self, name: str) -> int:
        """The sum of a figure of its /metrics."""
        text = httpx.get(f"{self._root}/metrics", trust_env=False, timeout=60).text
        return int(sum(float(value) for value in re.findall(rf"^vllm:{name}{{\S* (\S+)$", text, re.MULTILINE)))

    @property
    def answered(self) -> int:
        return self.told("request_success_total")

    def behave(self, **behaviour: object) -> None:
        method = "POST" if behaviour else "DELETE"
        httpx.request(
            method, f"{self._root}/demo/faults", json=behaviour or None, trust_env=False, timeout=60
        ).raise_for_status()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    port = free_port()
    options = ["--ttft", "0", "--rate", "0", "--model", "small,large"]
    process = model_process(tmp_path_factory.mktemp("model"), port, *options)
    yield Model(port)
    process.stop()


@pytest.fixture
def model(process: Model, settings: Settings) -> Iterator[Model]:
    settings.WARM_MODELS = True
    settings.MODEL_TIERS = {"nano": ("small", process.url), "smart": ("large", process.url)}
    yield process
    process.behave()


@pytest.fixture
async def servers(model: Model) -> AsyncIterator[ModelServers]:
    async with http_client() as http:
        yield ModelServers(http)


@pytest.fixture
async def warmer(servers: ModelServers, redis: Redis) -> Warmer:
    await redis.flushdb()
    return Warmer(redis, servers)


def told(tiers: list[TierSpec] | None = None) -> list[TierWarmth]:
    """As operators are."""
    with open_sync_client() as redis:
        return warmth_of(redis, tiers or environment_tiers())


def words() -> list[Warmth]:
    return [tier.warmth for tier in told()]


async def test_each_model_is_asked_for_one_token(warmer: Warmer, model: Model) -> None:
    before = model.told("generation_tokens_total")
    assert words() == [Warmth.COLD, Warmth.COLD]

    await warmer.warm(environment_tiers())

    assert words() == [Warmth.WARM, Warmth.WARM]
    assert all(tier.ms is not None and tier.at for tier in told())
    assert model.told("generation_tokens_total") == before + 2


async def test_a_server_that_does_not_stream_is_warmed_too(warmer: Warmer, model: Model) -> None:
    model.behave(no_stream=True)
    tiers = [replace(tier, streams=False) for tier in environment_tiers()]

    await warmer.warm(tiers)

    assert words() == [Warmth.WARM, Warmth.WARM]


async def test_all_processes_together_ask_once(
    warmer: Warmer, servers: ModelServers, redis: Redis, model: Model
) -> None:
    before = model.answered

    await asyncio.gather(*(one.warm(environment_tiers()) for one in (warmer, Warmer(redis, servers))))
    await warmer.warm(environment_tiers())

    assert model.answered == before + 2


async def test_it_asks_again_when_the_server_has_rested(warmer: Warmer, model: Model, settings: Settings) -> None:
    settings.WARM_AFTER_IDLE_S = 1
    before = model.answered
    await warmer.warm(environment_tiers())

    await asyncio.sleep(1.1)
    assert words() == [Warmth.COLD, Warmth.COLD]
    await warmer.warm(environment_tiers())

    assert model.answered == before + 4


async def test_a_server_that_gives_answers_is_warm_and_is_not_asked(
    warmer: Warmer, servers: ModelServers, redis: Redis, model: Model
) -> None:
    before = model.answered
    servers.record_token(servers.servers[0])

    await warmer.warm(environment_tiers())
    await warmer._record_outcome()
    async with http_client() as http:  # another process
        await Warmer(redis, ModelServers(http)).warm(environment_tiers())

    assert model.answered == before
    assert words() == [Warmth.WARM, Warmth.WARM]


async def test_a_server_that_works_for_others_is_not_asked(warmer: Warmer, model: Model) -> None:
    before = model.told("prompt_tokens_total")
    body = {"messages": [{"role": "user", "content": "count to 500 [[demo rate=200]]"}], "stream": True}
    url = f"{model.url}/chat/completions"
    async with httpx.AsyncClient(trust_env=False, timeout=60) as other, other.stream("POST", url, json=body) as answer:
        chunks = answer.aiter_bytes()
        await anext(chunks)
        asked_by_other = model.told("prompt_tokens_total") - before

        await warmer.warm(environment_tiers())

    assert model.told("prompt_tokens_total") == before + asked_by_other
    assert words() == [Warmth.WARM, Warmth.WARM]


async def test_it_gives_way_to_an_answer(warmer: Warmer, servers: ModelServers, model: Model) -> None:
    model.behave(hang_after=0)
    warm = asyncio.create_task(warmer.warm(environment_tiers()))
    while model.told("num_requests_running") < 2:
        await asyncio.sleep(0.01)
    begun = time.monotonic()

    async with servers.acquire():
        await warm

    assert time.monotonic() - begun < 2
    assert [tier.error for tier in told()] == ["", ""]
    while model.told("num_requests_running"):
        await asyncio.sleep(0.01)


async def test_a_server_that_fails_is_told_and_no_breaker_counts_it(
    warmer: Warmer, servers: ModelServers, model: Model, settings: Settings
) -> None:
    settings.MODEL_TIERS = {"nano": ("small", NOBODY), "smart": ("large", model.url)}
    servers.use(environment_tiers())

    await warmer.warm(environment_tiers())

    assert words() == [Warmth.FAILED, Warmth.WARM]
    assert "Connect" in told()[0].error
    assert set(servers.states().values()) == {"closed"}


async def test_a_server_that_says_nothing_is_left_after_a_while(
    warmer: Warmer, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_up, "TIMEOUT_S", 0.3)
    model.behave(hang_after=0)

    await warmer.warm(environment_tiers())

    assert words() == [Warmth.FAILED, Warmth.FAILED]


async def test_a_server_that_failed_is_asked_again_sooner(
    warmer: Warmer, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_up, "AGAIN_AFTER_S", 1)
    model.behave(status=503)
    await warmer.warm(environment_tiers())
    model.behave()

    await asyncio.sleep(1.1)
    await warmer.warm(environment_tiers())

    assert words() == [Warmth.WARM, Warmth.WARM]


async def test_a_server_that_was_away_is_warmed_when_it_is_back(
    warmer: Warmer, servers: ModelServers, model: Model
) -> None:
    server = servers.servers[0]
    await warmer.warm(environment_tiers())
    before = model.answered
    servers.record_failure(server, Unreachable("gone"))
    await warmer._record_outcome()
    await warmer.warm(environment_tiers())
    assert model.answered == before

    servers.record_token(server)
    servers._token_at.clear()  # as if it were long ago
    await warmer._record_outcome()
    await warmer.warm(environment_tiers())

    assert model.answered == before + 2


async def test_without_redis_nothing_is_warmed_and_nothing_breaks(
    servers: ModelServers, model: Model, settings: Settings, tmp_path: object
) -> None:
    before = model.answered
    async with Redis.from_url(f"unix://{tmp_path}/nobody-listens.sock") as redis:
        await Warmer(redis, servers).warm(environment_tiers())

    assert model.answered == before


async def test_what_models_can_do_is_found_out_before_anybody_asks(
    warmer: Warmer, servers: ModelServers, model: Model
) -> None:
    model.behave(continuing="repeats", probabilities="top-1", no_lists=True)

    await warmer.learn(environment_tiers())

    server, known = servers.servers[0], servers.capabilities
    for name in "small", "large":
        assert known.continuing(server, name, streams=True) is Continuing.REPEATS
        assert known.value(server, name, Capability.PROBABILITIES) == Probabilities.TOP_ONE
        assert known.value(server, name, Capability.LIST_CONTENT) == NO
        assert known.value(server, name, Capability.STREAMING) == known.value(server, name, Capability.USAGE) == YES


async def test_what_is_known_is_not_asked_again(warmer: Warmer, redis: Redis, model: Model) -> None:
    await warmer.learn(environment_tiers())
    before = model.answered
    await redis.flushdb()

    await warmer.learn(environment_tiers())

    assert model.answered == before


def test_operators_are_told_nothing_where_nobody_warms(model: Model, settings: Settings) -> None:
    settings.WARM_MODELS = False

    assert told() == []


# Which tier is likely


def test_the_tier_of_the_latest_answers_is_likely(model: Model, alice: User) -> None:
    for slug in ("smart", "nano", "smart", "gone", "gone", "gone"):
        asked(alice, plan={"stages": [{"number": 0, "tier": slug}, {"number": 1, "tier": "nano"}]})
    asked(alice)

    assert likely(latest_slugs(), environment_tiers()).slug == "smart"


def test_before_any_answer_the_cheapest_is_likely(model: Model, db: None) -> None:
    assert likely(latest_slugs(), environment_tiers()).slug == "nano"
