"""What goes wrong on the line to a model server has httpx's names; whoever hangs up is heard at once."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from streaming.model_servers.vllm.client import ChatStream, ModelServer, ask, http_client
from streaming.model_servers.vllm.errors import Rejected, TookTooLong, Unreachable
from streaming.model_servers.vllm.transport import reason_of

KEY = "sk-canary"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
TOKEN = b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
PATIENCE_S = 60.0

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[ModelServer]:
    """A server that reads each request's head, and then does as it is told; clients have gone when it ends."""
    serving: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        await answer(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield ModelServer(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", KEY)
    await asyncio.gather(*filter(None, serving))


def saying(reply: bytes) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        await writer.drain()

    return answer


async def exhaust(stream: ChatStream) -> None:
    async for _ in stream.deltas():
        pass


async def ask_for_tokens(server: ModelServer) -> None:
    async with http_client() as http:
        await exhaust(ChatStream(http, server, {"stream": True}, request_id="test"))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"", "RemoteProtocolError"),
        (b"what is this?\r\n\r\n", "RemoteProtocolError"),
        (HEAD + chunk(TOKEN), "ReadError"),
        (HEAD + chunk(TOKEN) + b"not a length\r\n", "RemoteProtocolError"),
    ],
)
async def test_a_broken_answer_is_told_as_unreachable(reply: bytes, kind: str) -> None:
    async with serving(saying(reply)) as server:
        with pytest.raises(Unreachable, match=kind):
            await ask_for_tokens(server)


@pytest.mark.parametrize("reply", [b"not a length\r\n", b"2\r\nabcdefg\r\n"])
async def test_what_is_wrong_in_the_middle_of_an_answer_is_told_at_once(reply: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + chunk(TOKEN))
        await has_read.wait()
        writer.write(reply)
        await reader.read()  # until the client has hung up

    has_read = asyncio.Event()
    async with serving(answer) as server, http_client() as http:
        with pytest.raises(Unreachable, match="RemoteProtocolError"):
            async for _ in ChatStream(http, server, {"stream": True}, request_id="test").deltas():
                has_read.set()


async def test_interim_responses_without_end_are_none() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while True:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 10)
                await writer.drain()

    async with serving(answer) as server:
        with pytest.raises(Unreachable, match="interim responses without end"):
            await ask_for_tokens(server)


async def test_where_nobody_listens_there_is_no_connection() -> None:
    async with serving(saying(b"")) as server:
        pass

    with pytest.raises(Unreachable, match="ConnectError: Connection refused"):
        await ask_for_tokens(server)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('10.0.0.1', 8000)"), "Connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "certificate verify failed"),
        (OSError("neither number nor words"), "neither number nor words"),
    ],
)
def test_why_there_is_no_connection_is_said_in_words(error: OSError, words: str) -> None:
    assert reason_of(error) == words


async def test_a_server_that_says_nothing_takes_too_long() -> None:
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(wait) as server, http_client() as http:
        with pytest.raises(TookTooLong):
            await ask(http, server, "GET", f"{server.base_url}/models", timeout_s=0.05)


@pytest.mark.parametrize("said", [b"", HEAD, HEAD + chunk(TOKEN)])
async def test_to_close_hangs_up_at_once_however_far_the_answer_is(said: bytes) -> None:
    hung_up, began = asyncio.Event(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await saying(said)(reader, writer)
        began.set()
        await reader.read()  # until the other end closes
        hung_up.set()

    async with serving(answer) as server, http_client() as http, asyncio.timeout(PATIENCE_S):
        stream = ChatStream(http, server, {"stream": True}, request_id="test")
        reading = asyncio.create_task(exhaust(stream))
        await began.wait()
        await stream.close()
        await reading
        await hung_up.wait()


async def test_a_refusal_that_quotes_the_key_is_told_without_it() -> None:
    body = f'{{"error": {{"message": "no such key: {KEY}"}}}}'.encode()
    reply = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async with serving(saying(reply)) as server:
        with pytest.raises(Rejected) as refused:
            await ask_for_tokens(server)

    assert str(refused.value) == "400: no such key: [key]"
