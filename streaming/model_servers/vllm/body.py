"""Bodies of responses: decompressed if need be, and read no further than somebody wants to hold in memory."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

import httpx

from .errors import BadReply

PIECE = 16 * 1024  # bytes that are decompressed at once, or read before others have their turn
INFLATED = ("gzip", "x-gzip", "deflate")
UNREADABLE = ("br", "zstd", "compress", "x-compress")
EITHER_HEADER = zlib.MAX_WBITS | 32  # gzip's or zlib's
NO_HEADER = -zlib.MAX_WBITS  # what some call deflate


async def pieces_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """As they arrive. Nobody asked for compression; what is compressed all the same grows by a piece at a time."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in UNREADABLE:
        raise BadReply(f"a reply in the encoding {encoding}, which was not asked for")
    inflater = Inflater() if encoding in INFLATED else None  # else identity; or none at all, such as a character set
    async for received in raw(response):
        if not inflater and len(received) <= PIECE:
            yield received
            continue
        for piece in inflater.feed(received) if inflater else cut_up(received):
            yield piece
            await asyncio.sleep(0)  # much, or what little became: others have their turn


def cut_up(received: bytes) -> Iterator[bytes]:
    return (received[at : at + PIECE] for at in range(0, len(received), PIECE))


def raw(response: httpx.Response) -> httpx.AsyncByteStream:
    """What came over the wire; ``aiter_raw`` would refuse a response that was made from bytes."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return response.stream


async def whole_of(pieces: AsyncIterator[bytes], limit: int, begin: bytes = b"") -> bytes:
    """``begin`` was read already. Raises BadReply if it is longer than ``limit``."""
    found, size = [begin], len(begin)
    async for piece in pieces:
        found.append(piece)
        size += len(piece)
        if size > limit:
            raise BadReply(f"a reply of more than {limit:,} bytes")
    return b"".join(found)


async def beginning_of(response: httpx.Response, limit: int, within_s: float) -> bytes:
    """Whatever comes in time, no more than ``limit``; the rest is not read, nor what cannot be decompressed."""
    found, size = [], 0
    try:
        async with asyncio.timeout(within_s):
            async for piece in pieces_of(response):
                found.append(piece[: limit - size])
                size += len(found[-1])
                if size >= limit:
                    break
    except (TimeoutError, BadReply, httpx.HTTPError):
        pass  # what has come says enough
    return b"".join(found)


class Inflater:
    """gzip, zlib, or deflate without a header; several of them one after the other."""

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
