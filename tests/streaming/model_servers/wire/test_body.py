"""Much of a reply is read in turns with whatever else the process does, and what it says of the key is hidden."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from streaming.model_servers.vllm.body import PIECE, pieces_of
from streaming.model_servers.vllm.client import ChatStream, ModelServer
from streaming.model_servers.vllm.errors import Rejected


async def turns_between(content: bytes) -> list[int]:
    """Of another task, before each piece."""
    turns, found = 0, []

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(take_turns())
    async for piece in pieces_of(httpx.Response(200, content=content)):
        assert len(piece) <= PIECE
        found.append(turns)
    other.cancel()
    return found


async def test_much_at_once_is_read_in_turns() -> None:
    assert await turns_between(b"x" * 3 * PIECE) == [0, 1, 2]


async def test_an_error_inside_a_stream_is_told_without_the_key() -> None:
    reply = b'data: {"error":{"message":"sk-canary is no key","code":401}}\n\n'
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=reply))
    async with httpx.AsyncClient(transport=transport) as http:
        stream = ChatStream(http, ModelServer("http://gpu/v1", "sk-canary"), {"stream": True}, request_id="test")
        with pytest.raises(Rejected, match=r"401: \[key\] is no key"):
            async for _ in stream.deltas():
                pass
