"""httpx transport on aiohttp, whose parser is compiled: reading a token costs two fifths of httpcore's time.

docs/performance.md has the measurements. Unlike with httpcore (#1093), a request may be cancelled at any moment.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

# vLLM closes idle connections after 5 s. We close them earlier, so that none is closed while in use.
KEEPALIVE_S = 4.0

MOST_INTERIM = 100  # 1xx responses before the final one; aiohttp has no limit


class Transport(httpx.AsyncBaseTransport):
    """As many connections as requests. Create it in the event loop that uses it."""

    def __init__(self) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S, ssl=context)
        connector._factory = partial(Connection, asyncio.get_running_loop())  # type: ignore[assignment]
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        limits = request.extensions.get("timeout", {})
        with told_as_httpx(request):
            response = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw],
                data=request.content or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(sock_connect=limits.get("connect"), sock_read=limits.get("read")),
            )
        body = Body(response, request)
        return httpx.Response(
            response.status, headers=response.raw_headers, stream=body, extensions={"network_stream": body}
        )

    async def aclose(self) -> None:
        await self._session.close()


class Connection(ResponseHandler):
    """Raises its error also in a task that reads a body, not only in one that waits for a response."""

    _interim = 0

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        body = self._payload
        super().set_exception(exc, *cause)
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(exc, *cause)

    def feed_data(self, data: Any, size: int = 0) -> None:
        self._interim = self._interim + 1 if data[0].code < 200 else 0
        if self._interim == MOST_INTERIM and self.transport:
            self.transport.close()
            self.set_exception(HttpProcessingError(message="interim responses without end"))
        super().feed_data(data, size)


class Body(httpx.AsyncByteStream):
    """A response's body. ``aclose`` closes the connection if there is more to come, also while another task reads."""

    def __init__(self, response: aiohttp.ClientResponse, request: httpx.Request):
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        with told_as_httpx(self._request):
            try:
                async for received in content.iter_any():
                    yield received
            except aiohttp.ClientPayloadError:  # aiohttp withholds what arrived before the connection broke
                if content._buffer:
                    yield b"".join(content._buffer)
                raise

    async def aclose(self) -> None:
        self._response.release()


@contextmanager
def told_as_httpx(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error), request=request) from error
    except aiohttp.ServerTimeoutError as error:
        raise httpx.ReadTimeout(str(error), request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(reason_of(error.os_error), request=request) from error
    except (aiohttp.ClientResponseError, aiohttp.ServerDisconnectedError, HttpProcessingError) as error:
        raise httpx.RemoteProtocolError(str(error), request=request) from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.ReadError(str(error) or type(error).__name__, request=request) from error


def reason_of(error: OSError) -> str:
    """Returns the reason without the address, which asyncio repeats. TLS and DNS have error numbers of their own."""
    is_systems = bool(error.errno and error.errno > 0) and not isinstance(error, ssl.SSLError)
    return os.strerror(error.errno) if is_systems and error.errno else error.strerror or str(error)
