"""Talks to model servers over HTTP: one shared client per process, made and closed by its owner.

To end a request early, its connection is closed, on which the task that reads it gets an error and unwinds. vLLM aborts
the request when the connection is gone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import httpx
import msgspec
from django.conf import settings
from django.utils import timezone

from .errors import BadReply, ModelServerError, TookTooLong, Unreachable, rejection
from .transport import Transport
from .wire import DONE, ChatDelta, EventLines, parse_chunk, parse_whole

logger = logging.getLogger(__name__)
T = TypeVar("T")

WATCH_INTERVAL_S = 0.25  # how often the time since the last token is looked at
END_OF_BODY_S = 0.5  # after the last event
WHOLE_ANSWER_TIMEOUT_S = 600.0  # that is not streamed
SHORT_TIMEOUT_S = 5.0  # of questions about the server itself


@dataclass(frozen=True)
class ModelServer:
    """One OpenAI-compatible endpoint."""

    base_url: str  # ends with /v1
    api_key: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """What people see: the address without scheme and path."""
        return httpx.URL(self.base_url).netloc.decode()

    @property
    def key(self) -> str:
        """What processes know it by: its name, and its path if that is not /v1 alone, as behind a gateway."""
        return self.name + httpx.URL(self.root).path.rstrip("/")

    @property
    def root(self) -> str:
        """Where /health, /version and /metrics are."""
        return self.base_url.removesuffix("/v1")

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}


class ListedModel(msgspec.Struct, frozen=True):
    id: str
    max_model_len: int | None = None
    owned_by: str = ""


class ModelList(msgspec.Struct):
    data: list[ListedModel]


def http_client() -> httpx.AsyncClient:
    """Without proxies from the environment, and without redirects: a key goes only where it was meant to go. To be made
    in the loop that uses it."""
    return httpx.AsyncClient(
        transport=Transport(), trust_env=False, follow_redirects=False, headers={"Accept-Encoding": "identity"}
    )


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for the first token, and between tokens."""

    first_token_s: float
    silence_s: float


class ChatStream:
    """One answer as it comes: token by token, or as one delta from a server that does not stream, or was not asked to.

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
        """``patience`` is the site's unless given; ``headers`` are further ones."""
        self._limits = patience or Patience(settings.VLLM_FIRST_TOKEN_TIMEOUT_S, settings.VLLM_SILENCE_TIMEOUT_S)
        self._client = client
        self._server = server
        self._is_streamed = bool(body.get("stream"))
        self._request = client.build_request(
            "POST",
            f"{server.base_url}/chat/completions",
            json=body,
            headers={**server.headers, "X-Request-Id": request_id, **(headers or {})},
            # Silence is watched by us, token by token; this is for a server that never answers at all.
            timeout=httpx.Timeout(self._patience_with_headers() + 5, connect=settings.VLLM_CONNECT_TIMEOUT_S),
        )
        self.answered_at: datetime | None = None  # first byte of the response
        self._response: httpx.Response | None = None
        self._closing = asyncio.Event()
        self._timed_out = False
        self._done = False  # the last event was read; only the end of the body is missing
        self._waited_since = time.monotonic()
        self._had_tokens = False

    async def deltas(self) -> AsyncGenerator[ChatDelta, None]:
        """Raises ModelServerError. Ends without an error when ``close`` was called."""
        watch = asyncio.create_task(self._watch())
        try:
            response = await self._send()
            if response is not None:
                async for delta in self._read(response):
                    yield delta
        except httpx.HTTPError as error:
            if not (self._closing.is_set() or self._done):
                raise Unreachable(f"{type(error).__name__}: {error}") from error
        finally:
            watch.cancel()
            if self._response is not None:
                await self._response.aclose()
        if self._timed_out and not self._done:
            raise TookTooLong(self._patience(), had_tokens=self._had_tokens)

    async def close(self) -> None:
        """The reader's loop ends at once, and the server aborts the request."""
        self._closing.set()
        if self._response is not None and not self._response.is_closed:  # else the connection may be another request's
            await self._response.extensions["network_stream"].aclose()

    async def _send(self) -> httpx.Response | None:
        """The response's beginning; None if it was closed before."""
        sending = asyncio.create_task(self._begin())
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait({sending, closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:  # cancelled, too: nobody else would end what was begun
            closing.cancel()
            if not sending.done():
                sending.cancel()
                await asyncio.wait({sending})
        if sending.cancelled():
            return None
        response = sending.result()
        if self._closing.is_set():  # in the same moment
            await response.aclose()
            return None
        self.answered_at = timezone.now()
        if response.status_code != 200:
            body = await response.aread()
            raise rejection(response.status_code, body, self._server.api_key)
        return response

    async def _begin(self) -> httpx.Response:
        self._response = await self._client.send(self._request, stream=True)
        return self._response

    async def _read(self, response: httpx.Response) -> AsyncIterator[ChatDelta]:
        if response.headers.get("Content-Type", "").startswith("application/json"):
            whole = await response.aread()
            self._done = True
            yield parse_whole(whole)
            return
        lines = EventLines()
        finished = False
        async for received in response.aiter_raw():
            for payload in lines.feed(received):
                if payload == DONE:
                    self._done = True  # the loop reads on to the body's end, so that the connection can be used again
                    break
                delta = parse_chunk(payload)
                finished = finished or bool(delta.finish_reason)
                self._waited_since = time.monotonic()
                self._had_tokens = self._had_tokens or bool(delta.text or delta.thinking)
                yield delta
        if not (finished or self._closing.is_set()):
            raise BadReply("the stream ended without a finish reason") if self._done else Unreachable("it broke off")

    async def _watch(self) -> None:
        """Close the connection after too long a silence. Keep-alive comments are no tokens: only data events count."""
        while self._silent_for() <= self._patience():
            await asyncio.sleep(WATCH_INTERVAL_S)
        self._timed_out = True
        await self.close()

    def _silent_for(self) -> float:
        return time.monotonic() - self._waited_since

    def _patience(self) -> float:
        if self._done:
            return END_OF_BODY_S
        return self._limits.silence_s if self._had_tokens else self._patience_with_headers()

    def _patience_with_headers(self) -> float:
        """vLLM sends a stream's headers at once, and those of a whole answer with its end."""
        return self._limits.first_token_s if self._is_streamed else WHOLE_ANSWER_TIMEOUT_S


async def list_models(client: httpx.AsyncClient, server: ModelServer) -> list[ListedModel]:
    """Raises ModelServerError."""
    reply = await ask(client, server, "GET", f"{server.base_url}/models", SHORT_TIMEOUT_S)
    return decoded(reply, ModelList).data


async def complete(client: httpx.AsyncClient, server: ModelServer, body: dict[str, Any], timeout_s: float) -> ChatDelta:
    """The whole answer of one request that is not streamed. Raises ModelServerError."""
    reply = await ask(client, server, "POST", f"{server.base_url}/chat/completions", timeout_s, body)
    return parse_whole(reply)


async def ask(
    client: httpx.AsyncClient, server: ModelServer, method: str, url: str, timeout_s: float, body: Any = None
) -> bytes:
    """Raises ModelServerError."""
    try:
        response = await client.request(method, url, json=body, headers=server.headers, timeout=timeout_s)
    except httpx.TimeoutException as error:
        raise TookTooLong(timeout_s, had_tokens=False) from error
    except httpx.HTTPError as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error
    if response.status_code != 200:
        raise rejection(response.status_code, response.content, server.api_key)
    return response.content


def decoded(reply: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(reply, type=shape)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadReply(f"a reply that cannot be read: {error}") from error


__all__ = ["ChatStream", "ListedModel", "ModelServer", "ModelServerError", "complete", "http_client", "list_models"]
