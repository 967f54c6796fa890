"""A model server that answers each question as the question's first word says: oddly, or with far too much."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

EVENTS = "text/event-stream; charset=utf-8"
MODELS = {"object": "list", "data": [{"id": "odd", "object": "model", "max_model_len": 4096}]}
DONE = b"data: [DONE]\n\n"
MEGABYTE = 1024 * 1024


def event(chunk: dict[str, object]) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()


def said(content: object, reason: str | None = None, usage: object = None) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": reason}], "usage": usage})


def with_delta(delta: object, reason: str | None = None) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


STOP = with_delta({}, "stop") + DONE
HI = said("Hi ") + said("there.")


@dataclass(frozen=True)
class Reply:
    """``framed``: HTTP tells where the body ends."""

    pieces: Iterable[bytes] | Callable[[], AsyncIterator[bytes]]
    status: str = "200 OK"
    kind: str = EVENTS
    headers: tuple[str, ...] = ()
    framed: bool = True
    cut: bool = False  # the connection is closed in the middle of the body


async def endless(piece: bytes) -> AsyncIterator[bytes]:
    while True:
        yield piece


async def repeated(piece: bytes, times: int, end: bytes = STOP) -> AsyncIterator[bytes]:
    for _ in range(times):
        yield piece
    yield end


def gzipped(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    return packer.compress(data) + packer.flush()


def whole(content: object) -> bytes:
    message = {"role": "assistant", "content": content}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()


USAGE = {"prompt_tokens": 3, "completion_tokens": 2}
HUGE = 18446744073709551615
COMPLETE: dict[str, Reply] = {
    "plain": Reply([HI, STOP]),
    "negative": Reply([HI, said("", "stop", usage={"prompt_tokens": -1, "completion_tokens": -1}), DONE]),
    "huge": Reply([said("Hi ", usage={"completion_tokens": HUGE}), said("there.", usage={"prompt_tokens": HUGE}),
                   STOP]),
    "infinite": Reply([HI, b'data: {"choices":[],"usage":{"completion_tokens":Infinity,"prompt_tokens":NaN}}\n\n',
                       STOP]),
    "long-reason": Reply([HI, with_delta({}, "x" * 60), DONE]),
    "nul-reason": Reply([HI, with_delta({}, "a\0b"), DONE]),
    "null-choices": Reply([event({"choices": None}), HI, event({"choices": None, "usage": USAGE}), STOP]),
    "null-delta": Reply([with_delta(None), HI, with_delta(None, "stop"), DONE]),
    "no-newline": Reply([HI, with_delta({}, "stop").rstrip()]),
    "no-done": Reply([HI, with_delta({}, "stop")]),
    "no-reason": Reply([HI, DONE]),
    "parts": Reply([said([{"type": "text", "text": "Hi "}]), said([{"type": "text", "text": "there."}]), STOP]),
    "mark": Reply([b"\xef\xbb\xbf" + HI, STOP]),
    "cr": Reply([(HI + STOP).replace(b"\n", b"\r")]),
    "crlf": Reply([*((HI + STOP).replace(b"\n", b"\r\n")[i : i + 7] for i in range(0, 400, 7))]),
    "no-blank-lines": Reply([(HI + STOP).replace(b"\n\n", b"\n")]),
    "json": Reply([whole("Hi there.")], kind="Application/JSON; charset=utf-8"),
    "json-as-events": Reply([whole("Hi there.")]),
    "created": Reply([HI, STOP], status="201 Created"),
    "gzip": Reply([gzipped(HI + STOP)], headers=("Content-Encoding: gzip",)),
    "deflate": Reply([zlib.compress(HI + STOP)], headers=("Content-Encoding: deflate",)),
    "unframed": Reply([HI, STOP], framed=False),
    "role-first": Reply([with_delta({"role": "assistant", "content": None}), HI, STOP]),
    "two-choices": Reply([event({"choices": [{"index": 0, "delta": {"content": "Hi there."}},
                                             {"index": 1, "delta": {"content": "Ho"}}]}), STOP]),
    "cut-after-reason": Reply([HI, with_delta({}, "stop")], cut=True),
    "half-behind-the-end": Reply([HI, with_delta({}, "stop"), b'data: {"choices":[],"usa'], framed=False),
    "rubbish-behind-the-end": Reply([HI, with_delta({}, "stop"), b"data: [done]\n\n"]),
    "error-behind-the-end": Reply([HI, with_delta({}, "stop"), event({"error": {"message": "usage failed"}}), DONE]),
    "padded-gzip": Reply([gzipped(HI + STOP) + bytes(50)], headers=("Content-Encoding: gzip",)),
    "character-set-for-an-encoding": Reply([HI, STOP], headers=("Content-Encoding: UTF-8",)),
    "message-behind-its-deltas": Reply([HI, event({"choices": [{"index": 0, "message": {"content": "Hi there."},
                                                                "finish_reason": "stop"}]}), DONE]),
    "logprobs": Reply([b'data: {"choices":[{"delta":{"content":"Hi there."},"logprobs":{"content":[{"token":"Hi",'
                       b'"logprob":NaN},{"token":7},null,{"token":" there.","logprob":-Infinity}]}}]}\n\n', STOP]),
}  # fmt: skip
OTHERS: dict[str, Reply] = {
    "halves": Reply([b'data: {"choices":[{"delta":{"content":"Hi \\ud83d"}}]}\n\n',
                     b'data: {"choices":[{"delta":{"content":"\\ude00 there."}}]}\n\n', STOP]),
    "nul": Reply([said("Hi\0"), said("there."), STOP]),
    "template-thinks": Reply([said("Let me "), said("see</thi"), said("nk>"), said("Hi there."), STOP]),
    "tags": Reply([said("<thi"), said("nk>Let me see</think>Hi "), said("there."), STOP]),
    "markless": Reply([HI]),  # nothing says that it is complete
    "markless-unframed": Reply([HI], framed=False),
    "half-an-event": Reply([HI, b'data: {"choices":[{"delta":{"cont']),
}  # fmt: skip
ANSWERLESS: dict[str, Reply] = {
    "filtered": Reply([HI, with_delta({}, "content_filter"), DONE]),
    "filtered-at-once": Reply([with_delta({}, "content_filter"), DONE]),
    "refused": Reply([with_delta({"refusal": "I cannot help with that."}), STOP]),
    "empty": Reply([with_delta({"role": "assistant", "content": ""}), STOP]),
    "invisible": Reply([said("\u200b \u2060\n"), STOP]),
    "cut-at-once": Reply([with_delta({}, "length"), DONE]),
    "tools": Reply([with_delta({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}),
                    with_delta({}, "tool_calls")]),
    "choice-error": Reply([said("Hi "), event({"choices": [{"index": 0, "delta": {"content": ""},
                                                            "error": {"code": 502, "message": "gone"},
                                                            "finish_reason": "error"}]}), DONE]),
    "event-error": Reply([HI, b'event: error\ndata: {"message":"gone","code":502}\n\n']),
    "moved": Reply([b""], status="308 Permanent Redirect", headers=("Location: http://elsewhere.example/v1",)),
    "moved-nowhere": Reply([b""], status="302 Found", headers=("Location: javascript:alert(1)",)),
    "unreadable": Reply([said(7), b"data: rubbish\n\n", event({"choices": None}), DONE]),
    "page": Reply([b"<!doctype html><p>Welcome</p>"], kind="text/html"),
    "nothing": Reply([]),
}  # fmt: skip
TOO_MUCH: dict[str, Reply] = {
    "flood": Reply(lambda: repeated(said("word " * 200), 200 * 1024)),
    "characters": Reply(lambda: repeated(said("x"), 2_000_000)),
    "line": Reply(lambda: repeated(b"x" * MEGABYTE, 100)),
    "data-line": Reply(lambda: repeated(b"data: " + b"x" * MEGABYTE, 100)),
    "event": Reply(lambda: repeated(b"data: xxxxxxxxxxxxxxxxx\n", 10_000_000)),
    "comments": Reply(lambda: endless(b": keep-alive\n\n" * 5000)),
    "signs": Reply(lambda: endless(event({"choices": []}) * 1000)),
    "error-body": Reply(lambda: endless(b"x" * MEGABYTE), status="500 Oops", kind="text/plain"),
    "big-json": Reply(lambda: endless(b'{"choices":[{"message":{"content":"' + b"x" * MEGABYTE)),
    "bomb": Reply(lambda: repeated(gzipped(b" " * MEGABYTE), 1000, b""), headers=("Content-Encoding: gzip",)),
}  # fmt: skip


REPLIES = {**COMPLETE, **OTHERS, **ANSWERLESS, **TOO_MUCH}


@dataclass
class OddServer:
    """``requests``: for answers, by the question's first word."""

    requests: Counter[str] = field(default_factory=Counter)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
            length = next(
                (int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-len")), 0
            )
            body = json.loads(await reader.readexactly(length) or b"{}")
            await self._answer(head.split(" ")[1], body, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has gone
        finally:
            writer.close()

    async def _answer(self, path: str, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        if path != "/v1/chat/completions":
            is_list = path == "/v1/models"
            reply = json.dumps(MODELS if is_list else {"detail": "Not Found"}).encode()
            await write(writer, Reply([reply], "200 OK" if is_list else "404 Not Found", "application/json"))
            return
        question = next(str(m["content"]) for m in reversed(body["messages"]) if m["role"] == "user")
        word = question.split()[0]
        if body.get("stream"):
            self.requests[word] += 1
        await write(writer, REPLIES.get(word, REPLIES["plain"]))


async def write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    framing = "Transfer-Encoding: chunked" if reply.framed else "Connection: close"
    head = [f"HTTP/1.1 {reply.status}", f"Content-Type: {reply.kind}", framing, *reply.headers]
    writer.write("\r\n".join([*head, "", ""]).encode())
    if callable(reply.pieces):
        async for piece in reply.pieces():
            await write_piece(writer, piece, framed=reply.framed)
    else:
        for piece in reply.pieces:
            await write_piece(writer, piece, framed=reply.framed)
    if reply.framed and not reply.cut:
        writer.write(b"0\r\n\r\n")
    await writer.drain()


async def write_piece(writer: asyncio.StreamWriter, piece: bytes, *, framed: bool) -> None:
    if piece:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if framed else piece)
        await writer.drain()


@asynccontextmanager
async def serving(port: int = 0) -> AsyncIterator[OddServer]:
    odd = OddServer()
    server = await asyncio.start_server(odd.serve, "127.0.0.1", port)
    odd.port = server.sockets[0].getsockname()[1]
    async with server:
        yield odd
