"""A drained server gets no new requests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from redis import Redis

from conversations.models.generation.errors import ErrorCode
from streaming.coordination.redis_clients import command_client, open_sync_client
from streaming.model_servers.drains import KEY, drain, drained_servers, drains, undrain
from streaming.model_servers.pool import ModelServers
from streaming.model_servers.vllm.client import ModelServer
from streaming.model_servers.vllm.errors import ModelServerError
from streaming.planning.tiers import plain

ONE, TWO, LARGE = "one:1", "two:2", "large:3"


@pytest.fixture
async def servers() -> AsyncIterator[ModelServers]:
    """Two of a cheap tier, and one of a stronger one."""
    fast = plain("fast", 0, "small", [f"http://{ONE}/v1", f"http://{TWO}/v1"])
    async with httpx.AsyncClient() as http:
        yield ModelServers(http, [fast, plain("smart", 1, "large", [f"http://{LARGE}/v1"])])


async def chosen(servers: ModelServers, tier: str = "fast", model: str = "") -> str:
    async with servers.acquire(tier=tier, model=model) as route:
        return route.server.name


async def test_its_tiers_other_server_is_asked(servers: ModelServers) -> None:
    assert await chosen(servers) == ONE

    servers.drained = frozenset({ONE})

    assert await chosen(servers) == TWO


async def test_without_one_in_its_tier_another_tier_answers(servers: ModelServers) -> None:
    servers.drained = frozenset({ONE, TWO})

    assert await chosen(servers) == LARGE
    assert not servers.has_other([], model="small")


async def test_with_all_of_them_drained_no_server_can_be_reached(servers: ModelServers) -> None:
    servers.drained = frozenset({ONE, TWO, LARGE})

    with pytest.raises(ModelServerError, match="not drained") as failure:
        await chosen(servers)

    assert failure.value.code == ErrorCode.NO_SERVER


async def test_what_runs_there_is_left_alone(servers: ModelServers) -> None:
    async with servers.acquire(tier="fast") as route:
        servers.drained = frozenset({route.server.name})

        assert servers.requests() == {ONE: 1} and await chosen(servers) == TWO


@pytest.fixture
def store() -> Redis:
    with open_sync_client() as redis:
        redis.delete(KEY)
        return redis


async def test_who_drained_it_first_is_remembered(store: Redis) -> None:
    assert drain(store, ONE, "otto") and not drain(store, ONE, "olga")

    redis = command_client()
    assert await drained_servers(redis) == {ONE} and drains(store)[ONE].by == "otto"
    await redis.aclose()
    assert undrain(store, ONE) and not undrain(store, ONE) and drains(store) == {}


async def test_two_servers_behind_one_gateway_are_drained_one_by_one() -> None:
    urls = ["http://gateway:4000/one/v1", "http://gateway:4000/two/v1"]
    async with httpx.AsyncClient() as http:
        servers = ModelServers(http, [plain("fast", 0, "small", urls)])

        servers.drained = frozenset({"gateway:4000/one"})

        assert [server.base_url for server in servers.servers if not servers.is_drained(server)] == urls[1:]
        assert set(servers.states()) == {"gateway:4000/one", "gateway:4000/two"}


def test_a_server_with_an_address_of_its_own_is_known_by_it() -> None:
    assert ModelServer("http://gpu-1:8001/v1").key == "gpu-1:8001"
