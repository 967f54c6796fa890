"""What is learned of model servers is shared by all workers, and forgotten by all."""

from __future__ import annotations

import pytest
from pytest_django import Settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streaming.coordination.redis_clients import command_client, open_sync_client
from streaming.model_servers import capabilities
from streaming.model_servers.capabilities import KEY, NO, YES, Capabilities, Capability, Continuing, forget_all
from streaming.model_servers.vllm.client import ModelServer

SERVER, OTHER = ModelServer("http://one/v1"), ModelServer("http://other/v1")
ABOUT = SERVER, "llama", Capability.USAGE


async def test_what_one_worker_learns_all_know(redis: Redis) -> None:
    one, other = Capabilities(), Capabilities()
    one.learn(*ABOUT, YES)
    other.learn(OTHER, "llama", Capability.USAGE, NO)

    for worker in (one, other, one):
        await worker.exchange(redis)

    for worker in (one, other):
        assert worker.value(*ABOUT) == YES
        assert worker.value(OTHER, "llama", Capability.USAGE) == NO
    assert await redis.ttl(KEY) > 0


async def test_what_one_worker_forgets_all_forget(redis: Redis) -> None:
    one, other = Capabilities(), Capabilities()
    one.learn(*ABOUT, YES)
    await one.exchange(redis)
    await other.exchange(redis)

    other.forget(SERVER)
    await other.exchange(redis)
    await one.exchange(redis)

    assert one.value(*ABOUT) == other.value(*ABOUT) == ""


async def test_what_was_a_server_is_forgotten_by_all(redis: Redis) -> None:
    worker = Capabilities()
    worker.learn(*ABOUT, YES)
    worker.learn(OTHER, "llama", Capability.USAGE, NO)
    await worker.exchange(redis)

    with open_sync_client() as client:
        forget_all(client, {SERVER.key})
    await worker.exchange(redis)

    assert (worker.value(*ABOUT), worker.value(OTHER, "llama", Capability.USAGE)) == ("", NO)


async def test_the_latest_word_counts(redis: Redis) -> None:
    one, other = Capabilities(), Capabilities()
    one.learn(*ABOUT, NO)
    await one.exchange(redis)

    other.learn(*ABOUT, YES)
    await other.exchange(redis)
    await one.exchange(redis)

    assert one.value(*ABOUT) == YES


async def test_what_another_version_says_is_not_known(redis: Redis) -> None:
    worker = Capabilities()
    worker.learn(SERVER, "llama", Capability.CONTINUING, "in some new way")

    assert worker.continuing(SERVER, "llama", streams=True) is Continuing.UNKNOWN


async def test_without_redis_each_keeps_what_it_knows(settings: Settings) -> None:
    worker = Capabilities()
    worker.learn(*ABOUT, YES)
    settings.REDIS_URL = "redis://127.0.0.1:1"
    gone = command_client()

    with pytest.raises((RedisError, OSError)):
        await worker.exchange(gone)

    await gone.aclose()
    assert worker.value(*ABOUT) == YES


def test_what_is_old_is_learned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Capabilities()
    worker.learn(*ABOUT, YES)

    monkeypatch.setattr(capabilities, "KNOWN_FOR_S", 0)

    assert worker.value(*ABOUT) == ""


async def test_what_another_version_told_is_passed_over(redis: Redis) -> None:
    await redis.hset(KEY, mapping={"nonsense": "{}", '["one","llama","flying"]': '{"value":"yes","at":1}'})  # type: ignore[misc]
    worker = Capabilities()
    worker.learn(*ABOUT, YES)

    await worker.exchange(redis)

    assert worker.value(*ABOUT) == YES
