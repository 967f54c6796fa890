"""What a model server counts is told to operators as it is, and nothing is made of what it does not count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from streaming.coordination.redis_clients import open_sync_client
from streaming.model_servers import probes
from streaming.model_servers.capabilities import NO, Capabilities, Capability
from streaming.model_servers.probes import Health, is_another, last_probes, probe
from streaming.model_servers.vllm.client import ModelServer, http_client
from streaming.model_servers.vllm.metrics import counters, differences
from streaming.operations.measurements.live import ServerState
from streaming.operations.measurements.servers import facts_of_probe
from tests.harness.processes import Process, free_port, model_process

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
Start = Callable[..., str]


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """Empty; probes follow each other at once."""
    monkeypatch.setattr(probes, "SHORTEST_S", 0.0)
    with open_sync_client() as redis:
        redis.delete(probes.KEY)
        yield redis


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a demo model server; returns its address."""
    processes: list[Process] = []

    def started(*options: str) -> str:
        port = free_port()
        options = ("--ttft", "0", "--rate", "0", *options)
        processes.append(model_process(tmp_path, port, *options, name=f"model {port}"))
        return f"http://127.0.0.1:{port}/v1"

    yield started
    for process in processes:
        process.stop()


def count_to(url: str, number: int, stream: bool = False) -> None:
    body = {"messages": [{"role": "user", "content": f"count to {number}"}], "stream": stream}
    httpx.post(f"{url}/chat/completions", json=body, trust_env=False, timeout=60).raise_for_status()


async def probed(url: str) -> Health:
    """As the task does."""
    async with http_client() as http:
        probes.store([await probe(http, ModelServer(url))])
    with open_sync_client() as redis:
        return last_probes(redis)[0]


async def told(url: str, name: str) -> tuple[str, str]:
    """What a probe adds to the page of model servers: since the server was started, and since the last probe."""
    health = await probed(url)
    (found,) = (fact for fact in facts_of_probe(ServerState(health.server, health)) if fact.name == name)
    return found.text, found.aside


async def test_a_server_that_speculates_is_known_by_its_counters(start: Start) -> None:
    url = start("--speculative")
    assert await told(url, "Drafts accepted") == ("", "")

    count_to(url, 30)
    first = await told(url, "Drafts accepted")
    count_to(url, 2, stream=True)
    second, third = await told(url, "Drafts accepted"), await told(url, "Drafts accepted")

    assert (first, second, third) == (("48%", "48% lately"), ("43%", "0% lately"), ("43%", ""))


async def test_of_a_server_that_does_not_speculate_nothing_is_said(start: Start) -> None:
    url = start()
    count_to(url, 3)

    assert await told(url, "Drafts accepted") == ("", "")


async def test_the_prefix_cache_and_preemptions_are_told(start: Start) -> None:
    url = start()
    assert await told(url, "Preemptions") == ("0", "")

    count_to(url, 3)
    count_to(url, 3)
    first = await told(url, "Prefix cache hits")
    count_to(url, 3)
    second = await told(url, "Prefix cache hits")

    assert (first, second) == (("50%", "50% lately"), ("67%", "100% lately"))


def test_a_server_that_began_anew_has_gained_nothing_that_is_known() -> None:
    assert differences({"num_preemptions": 5.0}, {"num_preemptions": 2.0}) == {"num_preemptions": 3.0}
    assert differences({"num_preemptions": 2.0}, {"num_preemptions": 5.0}) == {}
    assert differences({"num_preemptions": 5.0}, {}) == {}


@pytest.mark.parametrize("ending", ["", "_total"])
def test_counters_of_all_engines_are_summed_under_either_name(ending: str) -> None:
    name = f"vllm:spec_decode_num_draft_tokens{ending}"
    told = f"""
# TYPE {name} counter
{name}{{engine="0",model_name="a b"}} 30.0
{name}{{engine="1",model_name="a b"}} 1.5e+01
vllm:spec_decode_num_draft_tokens_created{{engine="0"}} 1.7e+09
vllm:spec_decode_num_accepted_tokens_per_pos{ending}{{engine="0",position="0"}} 9.0
vllm:num_preemptions{ending}{{engine="0"}} NaN
vllm:prefix_cache_hits{ending}{{engine="0"}} nonsense
"""

    assert counters(told) == {"spec_decode_num_draft_tokens": 45.0}


def test_a_counter_under_both_names_is_counted_once() -> None:
    assert counters("vllm:num_preemptions 4.0\nvllm:num_preemptions_total 4.0") == {"num_preemptions": 4.0}


WELL = Health(
    "gpu", MOMENT, healthy=True, models=["llama", "tiny"], version="0.11", counters={"generation_tokens": 7.0}
)


@pytest.mark.parametrize(
    ("now", "is_known"),
    [
        (WELL, True),
        (replace(WELL, healthy=False), True),  # it may come back as it was
        (replace(WELL, counters={}), True),  # not told this time
        (replace(WELL, counters={"generation_tokens": 6.0}), True),  # another one behind the same address
        (replace(WELL, models=["tiny", "llama"]), True),
        (replace(WELL, version="0.12"), False),
        (replace(WELL, models=["qwen"]), False),
    ],
)
def test_what_a_server_could_do_is_forgotten_when_it_is_another(now: Health, is_known: bool) -> None:
    assert is_another(WELL, now) is not is_known


def test_a_server_that_was_away_may_be_another() -> None:
    assert is_another(replace(WELL, healthy=False), WELL)


async def test_a_probe_of_a_server_that_was_away_forgets_what_it_could_do(redis: AsyncRedis) -> None:
    worker = Capabilities()
    worker.learn(ModelServer("http://gpu/v1"), "llama", Capability.STREAMING, NO)
    await worker.exchange(redis)

    for found in (replace(WELL, healthy=False), WELL):
        probes.store([found])
    await worker.exchange(redis)

    assert worker.value(ModelServer("http://gpu/v1"), "llama", Capability.STREAMING) == ""
