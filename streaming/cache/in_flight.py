"""Coalesced requests: one request to a model server, read by all answers that ask the same while it runs.

The request runs in a task of its own, so that its first reader may leave like any other. It is never cancelled: when
the last reader leaves, the connection is closed, and the task ends by itself.

One reader pays: the first of those still reading at its end. So nothing is paid twice, and readers that leave earlier
pay nothing unless they are the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime

from streaming.model_servers.pool import Route
from streaming.model_servers.vllm.client import ChatStream
from streaming.model_servers.vllm.wire import ChatDelta

AT_ONCE = 100  # deltas that a late reader takes before it yields to other tasks

OnEnd = Callable[[list[ChatDelta]], Awaitable[None]]


class InFlightRequest:
    """``run`` reads all of it. A reader gets everything from the beginning, even if it joins after the end."""

    def __init__(self, upstream: ChatStream, route: Route):
        self.route = route
        self.deltas: list[ChatDelta] = []
        self.error: Exception | None = None
        self.is_over = False
        self._upstream = upstream
        self._readers: dict[Reader, None] = {}  # in order of joining
        self._payer: Reader | None = None  # set when the request is over or abandoned
        self._is_abandoned = False

    @property
    def answered_at(self) -> datetime | None:
        return self._upstream.answered_at

    @property
    def takes_readers(self) -> bool:
        return self.error is None and not self._is_abandoned

    def join(self) -> Reader:
        reader = Reader(self)
        self._readers[reader] = None
        return reader

    def is_paid_by(self, reader: Reader) -> bool:
        """Known once the reader has left."""
        return reader is self._payer

    async def leave(self, reader: Reader) -> None:
        """The last one closes the connection."""
        self._readers.pop(reader, None)
        if not self._readers and not self.is_over and not self._is_abandoned:
            self._is_abandoned, self._payer = True, reader
            await self._upstream.close()

    async def run(self) -> None:
        try:
            if not self._is_abandoned:
                await self._read()
        except Exception as error:  # raised by each reader, as by a request of its own
            self.error = error
        self.is_over = True
        self._payer = self._payer or next(iter(self._readers), None)
        self._notify()

    async def _read(self) -> None:
        async with aclosing(self._upstream.deltas()) as deltas:
            async for delta in deltas:
                self.deltas.append(delta)
                self._notify()

    def _notify(self) -> None:
        for reader in self._readers:
            reader.news.set()


class Reader:
    """One answer's view of the request, used like a ChatStream. ``close`` ends only this reader."""

    def __init__(self, request: InFlightRequest):
        self.news = asyncio.Event()
        self._request = request
        self._closed = False

    @property
    def answered_at(self) -> datetime | None:
        return self._request.answered_at

    @property
    def pays(self) -> bool:
        """Known once it was read or closed."""
        return self._request.is_paid_by(self)

    async def deltas(self) -> AsyncGenerator[ChatDelta, None]:
        """Raises ModelServerError. Ends without an error when ``close`` was called."""
        read = 0
        try:
            while not self._closed:
                if read < len(self._request.deltas):
                    read += 1
                    yield self._request.deltas[read - 1]
                    if read % AT_ONCE == 0 and read < len(self._request.deltas):
                        await asyncio.sleep(0)  # lets other tasks run
                elif self._request.is_over:
                    break
                else:
                    self.news.clear()
                    await self.news.wait()
        finally:
            await self._request.leave(self)
        if self._request.error and not self._closed:
            raise self._request.error

    async def close(self) -> None:
        self._closed = True
        self.news.set()
        await self._request.leave(self)


class InFlightRequests:
    """The requests in flight in this process, by key."""

    def __init__(self) -> None:
        self._open: dict[str, InFlightRequest] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # references, so that running tasks are not garbage-collected

    @property
    def count(self) -> int:
        """Requests that have not ended, or whose answers are being stored."""
        return len(self._tasks)

    def find(self, key: str) -> InFlightRequest | None:
        """Returns a request that can be joined."""
        request = self._open.get(key)
        return request if request and request.takes_readers else None

    def begin(self, key: str, request: InFlightRequest, on_end: OnEnd, *, shared: bool) -> None:
        """``on_end`` gets all deltas, if the request did not fail. Until it returns, others can join if ``shared``."""
        if shared:
            self._open[key] = request
        task = asyncio.create_task(self._run(key, request, on_end), name=f"request {key[:12]}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, key: str, request: InFlightRequest, on_end: OnEnd) -> None:
        await request.run()
        try:
            if request.error is None:
                await on_end(request.deltas)
        finally:
            if self._open.get(key) is request:
                del self._open[key]
