"""How long a model server may say nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from streaming.model_servers.vllm import client
from streaming.model_servers.vllm.client import ChatStream, ModelServer, Patience

FIRST = b'data: {"choices":[{"delta":{"content":"1 "}}]}\n\n'
REST = b'data: {"choices":[{"delta":{"content":"2"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
PATIENCE = Patience(first_token_s=20.0, silence_s=0.05)


class Connection:
    is_open = True

    async def aclose(self) -> None:
        self.is_open = False


async def test_time_in_which_this_process_stood_still_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after SIGSTOP, timers are seen to before what has arrived is read."""
    monkeypatch.setattr(client, "WATCH_INTERVAL_S", 0.01)
    has_stood_still, connection = asyncio.Event(), Connection()

    async def body() -> AsyncIterator[bytes]:
        yield FIRST
        await has_stood_still.wait()
        for _ in range(10):
            await asyncio.sleep(0)
        if connection.is_open:
            yield REST

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"Content-Type": "text/event-stream"}
        return httpx.Response(200, headers=headers, content=body(), extensions={"network_stream": connection})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        stream = ChatStream(http, ModelServer("http://model.test/v1"), {"stream": True}, "request", PATIENCE)
        said = ""
        async for delta in stream.deltas():
            said += delta.text
            if not has_stood_still.is_set():
                has_stood_still.set()
                time.sleep(0.2)  # noqa: ASYNC251 - the loop stands still

    assert said == "1 2"
