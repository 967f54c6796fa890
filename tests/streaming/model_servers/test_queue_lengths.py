"""How many requests wait at a server: by itself where somebody waits for long, by its last probe elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from streaming.model_servers import probes
from streaming.model_servers.probes import Health
from streaming.model_servers.queue_lengths import Queues
from streaming.model_servers.vllm.client import ModelServer
from streaming.model_servers.vllm.metrics import WAITING
from streaming.worker.stage.queue_position import PromptSizes

GPU = ModelServer("http://gpu:8000/v1")
METRICS = """# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="a"} 2.0
vllm:num_requests_waiting{engine="1",model_name="a"} 1.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="a",reason="capacity"} 9.0
vllm:kv_cache_usage_perc{engine="0",model_name="a"} 0.0
"""


class Gpu:
    def __init__(self) -> None:
        self.metrics = METRICS
        self.asked = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/metrics"
        self.asked += 1
        return httpx.Response(200, text=self.metrics)


@pytest.fixture
def gpu() -> Gpu:
    return Gpu()


@pytest.fixture
async def queues(redis: Redis, gpu: Gpu) -> AsyncIterator[Queues]:
    await redis.delete(probes.KEY)
    async with httpx.AsyncClient(transport=httpx.MockTransport(gpu.answer)) as http:
        yield Queues(redis, http)
    await redis.delete(probes.KEY)


async def probed(redis: Redis, waiting: float, ago_s: float) -> None:
    health = Health(GPU.name, datetime.now(UTC) - timedelta(seconds=ago_s), healthy=True, gauges={WAITING: waiting})
    await redis.set(probes.KEY, msgspec.json.encode([health]))


async def test_the_last_probe_is_enough_at_first(redis: Redis, gpu: Gpu, queues: Queues) -> None:
    await probed(redis, 5, ago_s=3)

    found = await queues.of({GPU: 0.5})

    assert (found[GPU].waiting, gpu.asked) == (5, 0)


async def test_the_server_is_asked_when_somebody_waits_for_long(redis: Redis, gpu: Gpu, queues: Queues) -> None:
    await probed(redis, 5, ago_s=3)

    found = await queues.of({GPU: 1.5})

    assert (found[GPU].waiting, gpu.asked) == (3, 1)


async def test_an_old_probe_says_nothing(redis: Redis, queues: Queues) -> None:
    await probed(redis, 5, ago_s=20)

    assert await queues.of({GPU: 0.5}) == {}


async def test_a_server_without_such_figures_is_not_asked_again(gpu: Gpu, queues: Queues) -> None:
    gpu.metrics = "# nothing of vLLM's\nprocess_open_fds 12\n"

    assert await queues.of({GPU: 2.0}) == {}
    assert await queues.of({GPU: 3.0}) == {}
    assert gpu.asked == 1


def test_a_prompts_size_is_learned_from_those_before() -> None:
    sizes = PromptSizes()
    assert sizes.about("qwen", 16_000) == 4000
    for _ in range(50):
        sizes.record("qwen", 3_000, 2_000)

    assert 10_000 <= sizes.about("qwen", 16_000) <= 11_000
    assert sizes.about("another", 17_890) == 4500
    assert sizes.about("another", 0) == 1
