"""Requests go to the addresses that were checked, whatever the name means by then."""

from __future__ import annotations

import httpx
import pytest

from streaming.model_servers.vllm.addressed import Addressed

GONE, THERE = "10.0.0.1", "fd00::2"


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.host == GONE:
        raise httpx.ConnectError("nobody listens", request=request)
    asked = [request.url.host, request.headers["Host"], request.extensions["sni_hostname"], request.content.decode()]
    return httpx.Response(200, json=asked)


def client(*addresses: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=Addressed(addresses, httpx.MockTransport(answer)))


async def test_the_next_address_is_tried_and_the_server_hears_its_name() -> None:
    async with client(GONE, THERE) as http:
        reply = await http.post("https://gpu.example:8443/v1", content=b"hello")

    assert reply.json() == [THERE, "gpu.example:8443", "gpu.example", "hello"]


@pytest.mark.parametrize("addresses", [(), (GONE,)])
async def test_without_an_address_that_listens_nothing_is_asked(addresses: tuple[str, ...]) -> None:
    async with client(*addresses) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("https://gpu.example/v1")
