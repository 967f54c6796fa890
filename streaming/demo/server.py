"""HTTP/1.1 on asyncio and h11: routes, places, streams. A client that disconnects frees its place at once."""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import h11
import msgspec

from .completion import Completion, Options
from .faults import Behaviour, Faults
from .journal import Journal, Note
from .metrics import Metrics
from .wire import (
    DONE_EVENT,
    VERSION,
    ChatRequest,
    ChunkWriter,
    NotFound,
    Unauthorized,
    WireError,
    chunked,
    encode,
    faked,
)

KEEP_ALIVE_S = 5.0  # until an idle connection is closed, as in vLLM
KNOWN_PROMPTS = 10_000
EXIT_CODE = 17  # of the fault "exit"
HELD_BEAT_S = 0.5  # between empty chunks of a held stream

Write = Callable[[bytes], None]
decode_chat = msgspec.json.Decoder(ChatRequest).decode


class DemoServer:
    """State that all connections share."""

    def __init__(
        self,
        options: Options,
        behaviour: Behaviour,
        api_key: str = "",
        places: int = 256,
        queue: int | None = None,
        journal: Path | None = None,
    ):
        self.options = options
        self.journal = Journal(journal)
        self.faults = Faults(behaviour)
        self.metrics = Metrics(options.models[0], options.speculative)
        self.api_key = api_key
        self._seats = places
        self._queue = queue
        self._places = asyncio.Semaphore(places)
        self._running = 0
        self._waiting = 0
        self._known: OrderedDict[int, None] = OrderedDict()  # hashes of earlier prompts, for prefix cache metrics

    def admit(self) -> None:
        """Raises WireError if the queue is full."""
        if self._queue is not None and self._places.locked() and self._waiting >= self._queue:
            raise faked(503)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Waits for a place, first come, first served, and holds it."""
        begun = time.monotonic()
        self._count(waiting=1)
        try:
            await self._places.acquire()
        finally:
            self._count(waiting=-1)
        self.metrics.queue.observe(time.monotonic() - begun)
        self._count(running=1)
        try:
            yield
        finally:
            self._places.release()
            self._count(running=-1)

    def cached_tokens(self, completion: Completion) -> int:
        """Counts all tokens of a prompt seen before as cached, none of a new one."""
        key = hash(tuple((message.role, message.text) for message in completion.request.messages))
        seen = key in self._known
        self._known[key] = None
        if len(self._known) > KNOWN_PROMPTS:
            self._known.popitem(last=False)
        cached = completion.prompt_tokens if seen else 0
        self.metrics.prompt_tokens.inc(completion.prompt_tokens)
        self.metrics.cache_queries.inc(completion.prompt_tokens)
        self.metrics.cache_hits.inc(cached)
        return cached

    def _count(self, waiting: int = 0, running: int = 0) -> None:
        self._waiting += waiting
        self._running += running
        self.metrics.running.set(self._running)
        self.metrics.waiting.set(self._waiting)
        self.metrics.kv_cache.set(self._running / self._seats)


class Connection(asyncio.Protocol):
    """One client."""

    transport: asyncio.Transport

    def __init__(self, server: DemoServer):
        self.server = server
        self.http = h11.Connection(h11.SERVER)
        self.task: asyncio.Task[None] | None = None
        self._request: h11.Request | None = None
        self._body = b""
        self._idle: asyncio.TimerHandle | None = None

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._stay()
        try:
            self.http.receive_data(data)
            self._next_event()
        except h11.RemoteProtocolError:
            self.transport.close()

    def eof_received(self) -> bool:
        """Treats a half-closed connection as a disconnect, like vLLM."""
        self.connection_lost(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._stay()
        if self.task is not None:
            self.task.cancel()

    # Requests

    def _next_event(self) -> None:
        while self.task is None:
            event = self.http.next_event()
            if event in (h11.NEED_DATA, h11.PAUSED):
                return
            if isinstance(event, h11.Request):
                self._request, self._body = event, b""
            elif isinstance(event, h11.Data):
                self._body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) and self._request is not None:
                self.task = asyncio.get_running_loop().create_task(self._answer(self._request, self._body))
            elif isinstance(event, h11.ConnectionClosed):
                self.transport.close()
                return

    async def _answer(self, request: h11.Request, body: bytes) -> None:
        headers = {name.lower(): value for name, value in request.headers}
        path = request.target.split(b"?")[0].decode("latin1")
        try:
            key = f"Bearer {self.server.api_key}".encode() if self.server.api_key else b""
            if path.startswith("/v1/") and key and not hmac.compare_digest(headers.get(b"authorization", b""), key):
                raise Unauthorized
            await self._route(request.method.decode(), path, headers, body)
        except WireError as error:
            self._send(error.status, error.body)
        self.task = None
        self._begin_again()

    def _begin_again(self) -> None:
        if self.transport.is_closing():
            return
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
            self._idle = asyncio.get_running_loop().call_later(KEEP_ALIVE_S, self.transport.close)
            self._next_event()
        else:
            self.transport.close()

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    async def _route(self, method: str, path: str, headers: dict[bytes, bytes], body: bytes) -> None:
        server = self.server
        match method, path:
            case "POST", "/v1/chat/completions":
                await self._chat(headers, body)
            case "POST", "/demo/faults":
                self._set_faults(body)
            case "DELETE", "/demo/faults":
                server.faults.clear()
                self._send(200, b"{}")
            case "GET", "/health" | "/ping":
                self._send(200, b"")
            case "GET", "/version":
                self._send(200, encode({"version": VERSION}))
            case "GET", "/metrics":
                self._send(200, server.metrics.text(), b"text/plain; version=1.0.0; charset=utf-8")
            case "GET", "/v1/models":
                self._send(200, encode({"object": "list", "data": [self._model(m) for m in server.options.models]}))
            case _:
                raise NotFound

    def _set_faults(self, body: bytes) -> None:
        try:
            self.server.faults.set(msgspec.json.decode(body, type=dict))
        except msgspec.MsgspecError as error:
            raise WireError(400, str(error)) from error
        self._send(200, b"{}")

    def _model(self, name: str) -> dict[str, object]:
        return {
            "id": name, "object": "model", "created": int(time.time()), "owned_by": "throughline-demo", "root": name,
            "parent": None, "max_model_len": self.server.options.max_model_len, "permission": [],
        }  # fmt: skip

    # Chat

    async def _chat(self, headers: dict[bytes, bytes], body: bytes) -> None:
        server = self.server
        try:
            request = decode_chat(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise WireError(400, str(error), "Bad Request") from error
        completion = Completion(request, server.options, server.faults)
        behaviour = completion.behaviour
        await asyncio.sleep(behaviour.headers)
        if behaviour.status is not None:
            raise faked(behaviour.status)
        server.admit()
        request_id = headers.get(b"x-request-id", b"").decode("latin1") or None
        if not request.stream:
            await self._whole(completion, request_id)
            return
        self._begin_stream()
        async with server.place():
            note = Note(request_id or "")
            try:
                await self._stream(completion, ChunkWriter(request_id, completion.model), note)
            except asyncio.CancelledError:
                # Like vLLM, metrics leave out a client that disconnects.
                note.hung_up = True
                raise
            finally:
                server.journal.write(note)

    async def _whole(self, completion: Completion, request_id: str | None) -> None:
        behaviour, tokens = completion.behaviour, list(completion.tokens())
        async with self.server.place():
            await asyncio.sleep(behaviour.ttft + (len(tokens) / behaviour.rate if behaviour.rate else 0))
            if behaviour.hold_after is not None:
                await completion.released.wait()
        content = "".join(token.text for token in tokens if token.field == "content")
        reasoning = "".join(token.text for token in tokens if token.field == "reasoning")
        entries = [entry for token in tokens if (found := completion.logprobs(token)) for entry in found["content"]]
        logprobs = {"content": entries} if entries else None
        message = {"role": "assistant", "content": content, "refusal": None, "reasoning": reasoning or None}
        choice = {
            "index": 0, "message": message, "logprobs": logprobs, "finish_reason": completion.finish_reason,
            "stop_reason": None, "token_ids": None,
        }  # fmt: skip
        self.server.metrics.wrote(len(tokens))
        self.server.metrics.count_finished(completion.finish_reason)
        head = {
            "id": f"chatcmpl-{request_id or 'demo'}", "object": "chat.completion", "created": int(time.time()),
            "model": completion.model, "choices": [choice],
        }  # fmt: skip
        if not behaviour.no_usage:
            head["usage"] = completion.usage(len(tokens), 0, self.server.cached_tokens(completion))
        self._send(200, encode(head))

    async def _stream(self, completion: Completion, chunks: ChunkWriter, note: Note) -> None:
        behaviour, metrics = completion.behaviour, self.server.metrics
        begun = time.monotonic()
        options = completion.request.stream_options
        cached = self.server.cached_tokens(completion)
        said = thought = 0
        fault = behaviour.fault_after
        await self._hold_at(0, completion, chunks)
        await self._fault_at(0, fault, chunks)
        await asyncio.sleep(behaviour.ttft)
        metrics.ttft.observe(time.monotonic() - begun)
        first_at = time.monotonic()
        self._write(chunks.role())
        stop = completion.request.stop or ()
        stops = [stop] if isinstance(stop, str) else stop
        is_usage_continuous = (options and options.continuous_usage_stats) or behaviour.odd_figures
        text, stopped_by = "", None
        for token in completion.tokens():
            await self._keep_pace(said, first_at, behaviour.rate)
            said += 1
            thought += token.field == "reasoning"
            usage = completion.usage(said, thought, cached) if is_usage_continuous else None
            if stops:
                text += token.text
                if stopped_by := next((stop for stop in stops if stop in text), None):
                    break
            chunk = chunks.token(token.field, token.text, completion.logprobs(token), usage)
            note.add_token(chunk)
            self._write(chunk)
            await self._hold_at(said, completion, chunks)
            if await self._fault_at(said, fault, chunks):
                return
        metrics.wrote(said)
        metrics.e2e.observe(time.monotonic() - begun)
        metrics.count_finished(completion.finish_reason)
        self._write(chunks.finish("stop" if stopped_by else completion.finish_reason, stopped_by))
        if options and options.include_usage and not behaviour.no_usage:
            self._write(chunks.usage(completion.usage(said, thought, cached)))
        self._end_stream()

    async def _keep_pace(self, said: int, first_at: float, rate: float) -> None:
        """Waits until the token is due; returns at once when late."""
        if rate <= 0:
            if said % 64 == 63:
                await asyncio.sleep(0)
            return
        wait = first_at + said / rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
            self.server.metrics.gap.observe(1 / rate)

    async def _hold_at(self, said: int, completion: Completion, chunks: ChunkWriter) -> None:
        """Waits until released, without a timeout; meanwhile, sends empty chunks as signs of life."""
        if said != completion.behaviour.hold_after:
            return
        while not completion.released.is_set():
            self._write(chunks.token("content", "", None, None))
            with suppress(TimeoutError):
                async with asyncio.timeout(HELD_BEAT_S):
                    await completion.released.wait()

    async def _fault_at(self, said: int, fault: tuple[int, str] | None, chunks: ChunkWriter) -> bool:
        """Returns True if the fault ended the stream."""
        if fault is None or fault[0] != said:
            return False
        match fault[1]:
            case "error":
                self._write(chunks.error("The demo was told to fail here."))
                self._end_stream()
            case "hang":
                await self._hang()
            case "drop":
                self.transport.abort()
            case "rubbish":
                self._write(chunked(b'data: {"choices": [{"delta": \xff\xfe\n\n'))
                return False
            case "end":
                self._end_stream(b"")
            case "exit":
                os._exit(EXIT_CODE)
        return True

    async def _hang(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._write(chunked(b": keep-alive\n\n"))

    # HTTP

    def _begin_stream(self) -> None:
        headers = [
            (b"server", b"uvicorn"),
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"transfer-encoding", b"chunked"),
        ]
        self._write(self.http.send(h11.Response(status_code=200, headers=headers)))

    def _end_stream(self, last: bytes = DONE_EVENT) -> None:
        self._write((chunked(last) if last else b"") + b"0\r\n\r\n")
        # h11 does not see the raw chunks. This tells it that the body has ended; its own output is dropped.
        self.http.send(h11.EndOfMessage())

    def _send(self, status: int, body: bytes, kind: bytes = b"application/json") -> None:
        headers = [(b"server", b"uvicorn"), (b"content-type", kind), (b"content-length", b"%d" % len(body))]
        out = self.http.send(h11.Response(status_code=status, headers=headers)) or b""
        out += self.http.send(h11.Data(data=body)) or b""
        out += self.http.send(h11.EndOfMessage()) or b""
        self._write(out)

    def _write(self, data: bytes | None) -> None:
        if data:
            self.transport.write(data)


async def serve(server: DemoServer, host: str, port: int, ready: Callable[[int], object]) -> None:
    """Serves until cancelled; calls ``ready`` with the port."""
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Connection(server), host, port, backlog=1024)
    ready(listening.sockets[0].getsockname()[1])
    async with listening:
        await listening.serve_forever()
