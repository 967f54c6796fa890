"""Requests to a host whose addresses were looked up and checked before: no second look-up can lead them elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import httpx


class Addressed(httpx.AsyncBaseTransport):
    """Connects to the first of ``addresses`` that takes the connection. For the requests to one host only."""

    def __init__(self, addresses: Sequence[str], inner: httpx.AsyncBaseTransport | None = None):
        self._addresses = addresses
        self._inner = inner or httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        failure = httpx.ConnectError("the host has no address", request=request)
        request.extensions["sni_hostname"] = request.url.host  # whose certificate is wanted
        for address in self._addresses:
            request.url = request.url.copy_with(host=address)  # the Host header keeps the name
            try:
                return await self._inner.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = httpx.ConnectError(str(error), request=request)
        raise failure

    async def aclose(self) -> None:
        await self._inner.aclose()
