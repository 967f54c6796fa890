"""HTTP client for model servers: one shared client per process, created and closed by its owner.

Closing its connection ends a request early: the reading task gets an error and unwinds, and vLLM aborts the request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NewType
from uuid import uuid4

import httpx
from django.conf import settings
from msgspec.structs import replace

from conversations import site_time

from . import clean
from .body import beginning_of, pieces_of, whole_of
from .errors import BadReply, BrokeOff, ModelServerError, Rejected, TookTooLong, Unreachable, rejection
from .events import EventStream
from .thinking import split
from .transport import Transport
from .wire import DONE, ChatDelta, ReplyReader, join_deltas, parse_whole

WATCH_INTERVAL_S = 0.25  # between checks of the time since the last token
END_OF_BODY_S = 0.5  # after the last event
AFTER_FINISH_S = 10.0  # after the finish reason, for usage and the last event
SIGNS_COUNT_S = 600.0  # after the last token, events without text count as signs of life for so long
WHOLE_ANSWER_TIMEOUT_S = 600.0  # for answers that are not streamed
SHORT_TIMEOUT_S = 5.0  # for requests about the server itself, and for the text of a refusal
NOWHERE = "it redirects to what is no server's address"  # httpx parses the address even if it does not follow it
NOTHING = ChatDelta()
EVENTS_BEGIN_WITH = (b"data:", b"event:", b"id:", b"retry:", b":")


ServerKey = NewType("ServerKey", str)
"""Identifies a model server among processes: its name, and its path unless that is only /v1, as behind a gateway."""


@dataclass(frozen=True)
class ModelServer:
    """One OpenAI-compatible endpoint."""

    base_url: str  # ends with /v1
    api_key: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """For display: the address without scheme and path."""
        return httpx.URL(self.base_url).netloc.decode()

    @property
    def key(self) -> ServerKey:
        return ServerKey(self.name + httpx.URL(self.root).path.rstrip("/"))

    @property
    def root(self) -> str:
        """Where /health, /version and /metrics are."""
        return self.base_url.removesuffix("/v1")

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}


def http_client() -> httpx.AsyncClient:
    """Ignores the environment's proxies and follows no redirects, so that an API key goes only to its server. Create it
    in the event loop that uses it."""
    return httpx.AsyncClient(
        transport=Transport(), trust_env=False, follow_redirects=False, headers={"Accept-Encoding": "identity"}
    )


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for the first token, and between tokens."""

    first_token_s: float
    silence_s: float


class ChatStream:
    """One answer as it arrives: token by token, or as one delta if it is not streamed.

    Iterate over ``deltas``; ``close`` ends it from outside at any time.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        server: ModelServer,
        body: dict[str, Any],
        request_id: str,
        patience: Patience | None = None,
        headers: Mapping[str, str] | None = None,
    ):
        """``patience``: the site's by default. ``headers``: additional ones."""
        self._limits = patience or Patience(settings.VLLM_FIRST_TOKEN_TIMEOUT_S, settings.VLLM_SILENCE_TIMEOUT_S)
        self._client = client
        self._server = server
        self._is_streamed = bool(body.get("stream"))
        self._request = client.build_request(
            "POST",
            f"{server.base_url}/chat/completions",
            json=body,
            headers={**server.headers, "X-Request-Id": request_id, **(headers or {})},
            # ``_watch`` limits the silence between tokens; this timeout is for a server that never answers.
            timeout=httpx.Timeout(self._patience_with_headers() + 5, connect=settings.VLLM_CONNECT_TIMEOUT_S),
        )
        self.answered_at: datetime | None = None  # first byte of the response
        self.is_whole = False  # arrived in one piece
        self._reader = ReplyReader(settings.VLLM_ANSWER_MAX_CHARACTERS)
        self._response: httpx.Response | None = None
        self._closing = asyncio.Event()
        self._timed_out = False
        self._done = False  # the last event was read; only the end of the body is missing
        self._waited_since = self._token_at = time.monotonic()
        self._had_events = self._had_tokens = False

    async def deltas(self) -> AsyncGenerator[ChatDelta, None]:
        """Raises ModelServerError. Ends without an error when ``close`` was called."""
        watch = asyncio.create_task(self._watch())
        try:
            response = await self._send()
            if response is not None:
                async for delta in self._read(response):
                    yield delta
        except (httpx.HTTPError, ModelServerError) as error:
            if not self._is_complete:  # errors after the end do not matter
                self._fail(error)
        finally:
            watch.cancel()
            if self._response is not None:
                await self._response.aclose()
        if self._timed_out and not self._is_complete:
            raise TookTooLong(self._patience(), had_tokens=self._had_tokens)
        if self._is_complete and not (self._reader.is_full or self.is_whole):
            yield self._reader.end()

    async def close(self) -> None:
        """Ends the reader's loop at once; the server aborts the request."""
        self._closing.set()
        if self._response is not None and not self._response.is_closed:  # else the connection may be another request's
            await self._response.extensions["network_stream"].aclose()

    async def _send(self) -> httpx.Response | None:
        """Returns the response once its headers have arrived; None if closed before."""
        sending = asyncio.create_task(self._begin())
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait({sending, closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:  # also if cancelled: nobody else would end the sending task
            closing.cancel()
            if not sending.done():
                sending.cancel()
                await asyncio.wait({sending})
        if sending.cancelled():
            return None
        response = sending.result()
        if self._closing.is_set():  # closed at the same moment
            await response.aclose()
            return None
        self.answered_at = site_time.now()
        await refuse_all_but_success(response, self._server)
        return response

    async def _begin(self) -> httpx.Response:
        try:
            self._response = await self._client.send(self._request, stream=True)
        except httpx.InvalidURL as error:
            raise Rejected(302, NOWHERE) from error
        return self._response

    async def _read(self, response: httpx.Response) -> AsyncIterator[ChatDelta]:
        """Tells events from a whole reply by the first bytes, since content types are unreliable."""
        pieces, blanks, first = pieces_of(response), 0, b""
        async for first in pieces:
            blanks += len(first)
            if first.strip() or blanks > settings.VLLM_EVENT_MAX_BYTES:
                break
        begin = first.removeprefix(clean.BYTE_ORDER_MARK).lstrip()
        if begin.startswith((b"{", b"[")) or not (self._is_streamed or begin.startswith(EVENTS_BEGIN_WITH)):
            reply = await whole_of(pieces, settings.VLLM_REPLY_MAX_BYTES, first)
            delta = parse_whole(reply, settings.VLLM_ANSWER_MAX_CHARACTERS)
            self._done = self.is_whole = True
            yield delta
            return
        async for delta in self._read_events(first, pieces):
            yield delta
        if not (self._is_complete or self._closing.is_set()):
            raise self._why_incomplete(response, is_empty=not first)

    async def _read_events(self, first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[ChatDelta]:
        events, most = EventStream(settings.VLLM_EVENT_MAX_BYTES), settings.VLLM_STREAM_MAX_BYTES
        received: bytes | None = first
        while received is not None:
            if not self._done:  # after it, reads only to the body's end, so that the connection can be reused
                for delta in self._take(events.feed(received)):
                    yield delta
                if events.taken > most:
                    yield self._reader.cut()
                if self._reader.is_full:
                    return
            received = await anext(pieces, None)
        if not self._closing.is_set():
            for delta in self._take_last(events):
                yield delta

    def _take(self, payloads: Iterable[bytes]) -> Iterator[ChatDelta]:
        for payload in payloads:
            if payload == DONE:
                if not self._reader.has_begun:
                    raise BadReply("the reply has no answer in it")
                self._done = True
                return
            delta = self._reader.read(payload)
            now = time.monotonic()
            self._had_events = True
            if delta.text or delta.thinking:
                self._had_tokens = True
                self._token_at = self._waited_since = now
            else:
                if now - self._token_at < SIGNS_COUNT_S:
                    self._waited_since = now
                if delta == NOTHING:
                    continue
            yield delta
            if self._reader.is_full:
                return

    def _take_last(self, events: EventStream) -> Iterator[ChatDelta]:
        try:
            yield from self._take(events.finish())
        except BadReply:
            raise Unreachable("it broke off in the middle of an event") from None

    def _fail(self, error: httpx.HTTPError | ModelServerError) -> None:
        """Raises the error, unless the connection broke because ``close`` was called."""
        if isinstance(error, ModelServerError):
            error.hide(self._server.api_key)  # an error inside the stream may quote it
            raise error
        if not self._closing.is_set():
            raise Unreachable(f"{type(error).__name__}: {error}") from error

    @property
    def _is_complete(self) -> bool:
        return self._done or self._reader.has_ended

    def _why_incomplete(self, response: httpx.Response, *, is_empty: bool) -> ModelServerError:
        """Why the body ended without [DONE] and without a finish reason."""
        if self._had_tokens:
            return BrokeOff("it broke off")
        has_no_body = response.status_code in (204, 205)
        is_framed = has_no_body or "Content-Length" in response.headers or "Transfer-Encoding" in response.headers
        # Without framing, a broken connection looks like the end of the body.
        if is_framed or not (is_empty or self._had_events):
            return BadReply("the reply has no answer in it")
        return Unreachable("it broke off")

    async def _watch(self) -> None:
        """Closes the connection after too long a silence. Only data events count, not keep-alive comments.

        Time in which this process was blocked does not count: what arrived meanwhile has not been read.
        """
        while self._silent_for() <= self._patience():
            begun = time.monotonic()
            await asyncio.sleep(WATCH_INTERVAL_S)
            self._waited_since += max(time.monotonic() - begun - WATCH_INTERVAL_S, 0.0)
        self._timed_out = True
        await self.close()

    def _silent_for(self) -> float:
        return time.monotonic() - self._waited_since

    def _patience(self) -> float:
        if self._done:
            return END_OF_BODY_S
        if self._reader.has_ended:
            return AFTER_FINISH_S
        return self._limits.silence_s if self._had_tokens else self._patience_with_headers()

    def _patience_with_headers(self) -> float:
        """vLLM sends a stream's headers at once, but those of a whole answer only at its end."""
        return self._limits.first_token_s if self._is_streamed else WHOLE_ANSWER_TIMEOUT_S


async def complete(client: httpx.AsyncClient, server: ModelServer, body: dict[str, Any], timeout_s: float) -> ChatDelta:
    """Returns the whole answer to a request without streaming, with thinking separated, also if the server streams it
    anyway. Raises ModelServerError."""
    stream = ChatStream(client, server, body, f"whole-{uuid4().hex[:12]}", Patience(timeout_s, timeout_s))
    try:
        async with asyncio.timeout(timeout_s), aclosing(stream.deltas()) as found:
            deltas = [delta async for delta in found]
    except TimeoutError as error:
        raise TookTooLong(timeout_s, had_tokens=False) from error
    answer = join_deltas(deltas)
    thinking, text = split(answer.text)
    return replace(answer, text=text, thinking=answer.thinking or thinking)


async def ask(
    client: httpx.AsyncClient,
    server: ModelServer,
    method: str,
    url: str,
    timeout_s: float,
    body: Any = None,
) -> bytes:
    """Raises ModelServerError."""
    try:
        async with (
            asyncio.timeout(timeout_s),  # also for a body that arrives byte by byte
            client.stream(method, url, json=body, headers=server.headers, timeout=timeout_s) as response,
        ):
            await refuse_all_but_success(response, server)
            return await whole_of(pieces_of(response), settings.VLLM_FACTS_MAX_BYTES)
    except httpx.InvalidURL as error:
        raise Rejected(302, NOWHERE) from error
    except (TimeoutError, httpx.TimeoutException) as error:
        raise TookTooLong(timeout_s, had_tokens=False) from error
    except httpx.HTTPError as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error


async def refuse_all_but_success(response: httpx.Response, server: ModelServer) -> None:
    """Raises Rejected with the server's message."""
    if not response.is_success:
        said = await beginning_of(response, settings.VLLM_ERROR_MAX_BYTES, SHORT_TIMEOUT_S)
        await response.aclose()
        location = response.headers.get("Location", "") if response.is_redirect else ""
        raise rejection(response.status_code, said, server.api_key, location)


__all__ = ["ChatStream", "ModelServer", "ModelServerError", "ServerKey", "ask", "complete", "http_client"]
