"""Requests to a host by addresses resolved and checked before, so that no second look-up can redirect them."""

from __future__ import annotations

from collections.abc import Sequence

import httpx


class Addressed(httpx.AsyncBaseTransport):
    """Connects to the first of ``addresses`` that accepts the connection. Only for requests to one host."""

    def __init__(self, addresses: Sequence[str], inner: httpx.AsyncBaseTransport | None = None):
        self._addresses = addresses
        self._inner = inner or httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        failure = httpx.ConnectError("the host has no address", request=request)
        request.extensions["sni_hostname"] = request.url.host  # the certificate must be the host's
        for address in self._addresses:
            request.url = request.url.copy_with(host=address)  # the Host header keeps the name
            try:
                return await self._inner.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = httpx.ConnectError(str(error), request=request)
        raise failure

    async def aclose(self) -> None:
        await self._inner.aclose()
