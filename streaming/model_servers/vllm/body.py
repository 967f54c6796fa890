"""Response bodies: decompressed if necessary, and read only up to a limit."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

import httpx

from .errors import BadReply

PIECE = 16 * 1024  # bytes decompressed at once, or read before other tasks run
INFLATED = ("gzip", "x-gzip", "deflate")
UNREADABLE = ("br", "zstd", "compress", "x-compress")
EITHER_HEADER = zlib.MAX_WBITS | 32  # gzip's or zlib's
NO_HEADER = -zlib.MAX_WBITS  # what some servers call deflate


async def pieces_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yields the body as it arrives. A body that is compressed, though not requested so, is inflated piece by piece."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in UNREADABLE:
        raise BadReply(f"a reply in the encoding {encoding}, which was not asked for")
    inflater = Inflater() if encoding in INFLATED else None  # else identity, or no encoding, such as a charset
    async for received in raw(response):
        if not inflater and len(received) <= PIECE:
            yield received
            continue
        for piece in inflater.feed(received) if inflater else cut_up(received):
            yield piece
            await asyncio.sleep(0)  # lets other tasks run: the body is large, or was inflated


def cut_up(received: bytes) -> Iterator[bytes]:
    return (received[at : at + PIECE] for at in range(0, len(received), PIECE))


def raw(response: httpx.Response) -> httpx.AsyncByteStream:
    """The bytes as sent; ``aiter_raw`` would refuse a response made from bytes."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return response.stream


async def whole_of(pieces: AsyncIterator[bytes], limit: int, begin: bytes = b"") -> bytes:
    """``begin``: what was read already. Raises BadReply if the body is longer than ``limit``."""
    found, size = [begin], len(begin)
    async for piece in pieces:
        found.append(piece)
        size += len(piece)
        if size > limit:
            raise BadReply(f"a reply of more than {limit:,} bytes")
    return b"".join(found)


async def beginning_of(response: httpx.Response, limit: int, within_s: float) -> bytes:
    """Returns what arrives in time, up to ``limit``; skips the rest, and what cannot be decompressed."""
    found, size = [], 0
    try:
        async with asyncio.timeout(within_s):
            async for piece in pieces_of(response):
                found.append(piece[: limit - size])
                size += len(found[-1])
                if size >= limit:
                    break
    except (TimeoutError, BadReply, httpx.HTTPError):
        pass  # what has arrived is enough
    return b"".join(found)


class Inflater:
    """Inflates gzip, zlib, or deflate without a header, also several streams in a row."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(EITHER_HEADER)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises BadReply."""
        while data:
            piece = self._inflate(data)
            if piece:
                yield piece
            data = self._stream.unconsumed_tail
            if self._stream.eof:
                data = self._stream.unused_data
                self._stream, self._begun = zlib.decompressobj(EITHER_HEADER), False

    def _inflate(self, data: bytes) -> bytes:
        try:
            piece = self._stream.decompress(data, PIECE)
        except zlib.error as error:
            if self._begun:
                raise BadReply(f"a reply that cannot be decompressed: {error}") from None
            piece = self._without_header(data)
        self._begun = True
        return piece

    def _without_header(self, data: bytes) -> bytes:
        self._stream = zlib.decompressobj(NO_HEADER)
        try:
            return self._stream.decompress(data, PIECE)
        except zlib.error as error:
            raise BadReply(f"a reply that cannot be decompressed: {error}") from None
