"""One generation's Redis Stream. Ids are `attempt-sequence`: order, position, idempotence key and fencing token in one.

Redis refuses an id that is not greater than the last one, so a later attempt fences out the earlier ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from .records import AnyRecord, Claimed, decode, encode

FIELD = b"r"
REFUSED = "equal or smaller"  # in Redis' error, when an id is not greater than the last one
BEGINNING = "0-0"
FEW_STREAMS = 16
DELAY_PER_STREAM_S = 0.000025
LONGEST_DELAY_S = 0.01

Position = str
Entry = tuple[Position, AnyRecord]
PlainEntry = tuple[bytes, list[bytes]]  # id; fields and values alternating


class AttemptLost(Exception):
    """A later attempt has claimed the log: this one must not write anything any more, anywhere."""


def key_of(generation_id: UUID | str) -> str:
    return f"throughline:log:{generation_id}"


def as_pair(position: Position) -> tuple[int, int]:
    """Positions compare as pairs of numbers. Raises ValueError if this is not a position."""
    attempt, _, sequence = position.partition("-")
    return int(attempt), int(sequence)


def entries_of(raw: Sequence[tuple[bytes, dict[bytes, bytes]]]) -> list[Entry]:
    """Decode what XRANGE or XREAD returned."""
    return [(position.decode(), decode(fields.get(FIELD, b""))) for position, fields in raw]


def read_plainly(redis: Redis) -> None:
    """From now on this client's XREAD returns entries as Redis sent them. redis-py would make a dict of each entry,
    which costs as much as decoding the record."""
    redis.set_response_callback("XREAD", as_received)


def as_received(response: Any, **kwargs: Any) -> Any:
    return response or []


def entries_of_plain(raw: Sequence[PlainEntry]) -> list[Entry]:
    return [(position.decode(), decode(fields[1])) for position, fields in raw]


async def claim(redis: Redis, generation_id: UUID, attempt: int, process: str) -> list[Entry]:
    """Fence out earlier attempts, then read what they wrote, which cannot change now. Raises AttemptLost."""
    key = key_of(generation_id)
    try:
        await redis.xadd(key, {FIELD: encode(Claimed(attempt, process))}, id=f"{attempt}-0")
    except ResponseError as error:
        if REFUSED in str(error):
            raise AttemptLost from error
        raise
    return entries_of(await redis.xrange(key, max=f"{attempt}-0"))


async def read(
    redis: Redis, generation_id: UUID, *, after: Position = "", upto: Position = "", count: int | None = None
) -> list[Entry]:
    """Entries after one position, up to and including another; by default all. Empty if the log does not exist."""
    first = f"({after}" if after else "-"
    return entries_of(await redis.xrange(key_of(generation_id), min=first, max=upto or "+", count=count))


async def extent(redis: Redis, generation_id: UUID) -> tuple[Position, int]:
    """The last position and the number of entries; BEGINNING and 0 if there is no log."""
    async with redis.pipeline() as pipeline:
        pipeline.xrevrange(key_of(generation_id), count=1)
        pipeline.xlen(key_of(generation_id))
        last, length = await pipeline.execute()
    return (last[0][0].decode() if last else BEGINNING), length


def batch_delay(streams: int) -> float:
    """Seconds to wait between two rounds that serve all streams, so that one round serves several; 0 for few streams.

    Each round has a fixed cost: a pipeline, or a blocking read that names every log. Few streams pay it for each token
    and do not wait; many share it and wait for a few milliseconds. docs/performance.md shows the gain.
    """
    return min(streams * DELAY_PER_STREAM_S, LONGEST_DELAY_S) if streams > FEW_STREAMS else 0.0
