"""A TCP proxy whose connections can be cut: a network that breaks."""

from __future__ import annotations

import asyncio
from contextlib import suppress

CHUNK = 65536


class Proxy:
    def __init__(self, target_port: int):
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Every connection breaks, without a word."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(back)
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(pump(reader, back))
                pumps.create_task(pump(there, writer))
        finally:
            for end in (writer, back):
                end.transport.abort()
                self._writers.discard(end)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends; then the whole connection ends."""
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
