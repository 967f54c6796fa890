"""Whether a model server lives, whatever its make: vLLM, Ollama, LiteLLM, or vLLM behind a proxy for /v1 alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from streaming.model_servers import pool
from streaming.model_servers import probes as model_health
from streaming.model_servers.breaker import Breaker, BreakerState
from streaming.model_servers.pool import ModelServers
from streaming.model_servers.probes import Health, probe
from streaming.model_servers.vllm.client import ModelServer
from streaming.model_servers.vllm.errors import Unreachable
from streaming.operations.admin import listed_models, server_test
from streaming.planning.tiers import plain

SERVER = ModelServer("http://gpu:8000/v1")
BAD_TEXT = b'{"version": "\xff"}'


class Pages:
    """A model server: what it has at which address, as status and body. Elsewhere: no such page."""

    def __init__(self, **pages: tuple[int, Any]):
        self.pages = {f"/{name}": page for name, page in pages.items()}
        self.asked: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1")
        self.asked.append(path)
        status, body = self.pages.get(path, (404, b"no such page"))
        return httpx.Response(status, content=body if isinstance(body, bytes) else json.dumps(body).encode())

    @property
    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))


def models(owned_by: str = "library") -> tuple[int, Any]:
    return 200, {"data": [{"id": "llama", "owned_by": owned_by}]}


VERSION = (200, {"version": "0.11"})
METRICS = (200, b"vllm:num_requests_running 3.0\n")


async def probed(server: Pages) -> Health:
    async with server.http as http:
        return await probe(http, SERVER)


async def test_a_server_that_only_lists_models_lives() -> None:
    found = await probed(Pages(models=models()))

    assert (found.healthy, found.models, found.version, found.gauges) == (True, ["llama"], "", {})


async def test_other_servers_than_vllm_are_not_asked_for_their_health() -> None:
    litellm = Pages(models=models("openai"), health=(503, b"a model of mine is away"))

    assert (await probed(litellm)).healthy
    assert "/health" not in litellm.asked


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("more", [{"version": VERSION}, {}])
async def test_a_vllm_whose_engine_died_is_dead(status: int, more: dict[str, Any]) -> None:
    found = await probed(Pages(models=models("vllm"), health=(status, b""), metrics=METRICS, **more))

    assert not found.healthy and found.error.startswith(str(status))


async def test_a_vllm_behind_a_proxy_for_v1_alone_lives() -> None:
    assert (await probed(Pages(models=models("vllm")))).healthy


async def test_a_server_that_lists_no_models_is_dead() -> None:
    found = await probed(Pages(models=(502, b"bad gateway"), health=(200, b""), version=VERSION))

    assert not found.healthy and "502" in found.error


@pytest.mark.parametrize("name", ["version", "metrics"])
@pytest.mark.parametrize("page", [(500, b"broken"), (200, b"<!doctype html>"), (200, BAD_TEXT)])
async def test_what_cannot_be_read_is_not_told(name: str, page: tuple[int, bytes]) -> None:
    found = await probed(Pages(**{"models": models(), name: page}))

    assert found.healthy and found.version == "" and found.gauges == {}


async def test_what_is_told_is_known() -> None:
    found = await probed(Pages(models=models("vllm"), health=(200, b""), version=VERSION, metrics=METRICS))

    assert (found.version, found.gauges) == ("0.11", {"num_requests_running": 3.0})


@pytest.mark.django_db(transaction=True)
async def test_one_servers_nonsense_keeps_no_other_from_being_probed() -> None:
    answers = {"bad": Pages(models=(200, BAD_TEXT)), "good": Pages(models=models(), version=(200, BAD_TEXT))}
    transport = httpx.MockTransport(lambda request: answers[request.url.host].answer(request))
    async with httpx.AsyncClient(transport=transport) as http:
        servers = ModelServers(http, [plain("fast", 0, "", ["http://bad/v1", "http://good/v1"])])
        servers.use = lambda tiers: None  # type: ignore[method-assign]  # keeps these

        found = await model_health.probe_each(servers)

    assert [health.healthy for health in found] == [False, True]


@pytest.fixture
async def left_alone(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[Pages], Any]]:
    """Have a server left alone, and looked after until it was probed; returns its breaker's state."""
    monkeypatch.setattr(pool, "PROBE_INTERVAL_S", 0.0)
    monkeypatch.setattr(Breaker, "wants_probe", property(lambda breaker: breaker.state is BreakerState.OPEN))

    async def looked_after(server: Pages) -> BreakerState:
        async with server.http as http:
            servers = ModelServers(http, [plain("fast", 0, "", [SERVER.base_url])])
            servers.record_failure(SERVER, Unreachable("refused"))
            probes: asyncio.Queue[bool] = asyncio.Queue()
            monkeypatch.setattr(Breaker, "record_probe", noted(probes, Breaker.record_probe))
            caring = asyncio.create_task(servers.look_after())
            await asyncio.wait_for(probes.get(), 30)
            caring.cancel()
            return servers.breakers[SERVER].state

    yield looked_after


def noted(probes: asyncio.Queue[bool], probed: Callable[..., None]) -> Callable[..., None]:
    def note(breaker: Breaker, *, healthy: bool) -> None:
        probed(breaker, healthy=healthy)
        probes.put_nowait(healthy)

    return note


async def test_a_server_that_only_lists_models_is_tried_again(left_alone: Callable[[Pages], Any]) -> None:
    assert await left_alone(Pages(models=models())) is BreakerState.HALF_OPEN


async def test_a_vllm_whose_engine_died_is_left_alone(left_alone: Callable[[Pages], Any]) -> None:
    assert await left_alone(Pages(models=models("vllm"), health=(503, b""))) is BreakerState.OPEN


@pytest.fixture
def by_mock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The admin's test asks a server whose every error is no UTF-8."""
    nonsense = Pages(models=(500, b'{"error": {"message": "\xff"}}'))
    for module in (server_test, listed_models):
        monkeypatch.setattr(module, "resolve", lambda url: ["192.0.2.1"])
        monkeypatch.setattr(module, "client_of", lambda *_: nonsense.http)


async def test_errors_that_are_no_utf_8_break_no_admins_page(by_mock: None) -> None:
    assert (await server_test.try_server(SERVER)).error
    assert await listed_models.fetch_models(SERVER) is None
