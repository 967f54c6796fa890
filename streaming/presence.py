"""Which processes live: each tells every second or two what it does, in a key that expires."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

PREFIX = "throughline:alive:"
HEARD_FOR_S = 6
REFUSED = "throughline:refused-commands"  # hash: code of the refusal -> how many, of all web processes

S = TypeVar("S", bound="State")


class State(msgspec.Struct, frozen=True):
    """What a process tells. ``kind`` is the set of names that Redis keeps of such processes."""

    process: str
    told_at: datetime


class WorkerState(State, frozen=True):
    running: int  # attempts
    breakers: dict[str, str] = {}  # by model server: closed, half-open or open


class WebState(State, frozen=True):
    sockets: int  # that are open


def this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


async def tell_worker(redis: AsyncRedis, process: str, running: int, breakers: Mapping[str, str]) -> None:
    await tell(redis, WorkerState(process, datetime.now(UTC), running, dict(breakers)), {})


async def tell_web(redis: AsyncRedis, process: str, sockets: int, refused: Mapping[str, int]) -> None:
    """``refused`` are the commands refused since the last time, by code."""
    await tell(redis, WebState(process, datetime.now(UTC), sockets), refused)


async def tell(redis: AsyncRedis, state: State, refused: Mapping[str, int]) -> None:
    kind = type(state).__name__
    async with redis.pipeline() as pipeline:  # as one, so that what is told again after an error is not counted twice
        pipeline.set(key_of(kind, state.process), msgspec.json.encode(state), ex=HEARD_FOR_S)
        pipeline.sadd(f"{PREFIX}{kind}", state.process)
        for code, count in refused.items():
            pipeline.hincrby(REFUSED, code, count)
        await pipeline.execute()


def living(redis: Redis, of: type[S]) -> list[S]:
    """The processes of this kind that were heard of lately; forgets the others. Two commands, mostly."""
    kind = of.__name__
    members: Any = redis.smembers(f"{PREFIX}{kind}")
    names = sorted(name.decode() for name in members)
    stored: Any = redis.mget([key_of(kind, name) for name in names]) if names else []
    if gone := [name for name, state in zip(names, stored, strict=True) if state is None]:
        redis.srem(f"{PREFIX}{kind}", *gone)
    return [msgspec.json.decode(state, type=of) for state in stored if state is not None]


async def has_worker(redis: AsyncRedis) -> bool:
    """One was heard of lately. Two commands."""
    kind = WorkerState.__name__
    members: Any = await redis.smembers(f"{PREFIX}{kind}")  # type: ignore[misc]
    keys = [key_of(kind, name.decode()) for name in members]
    return bool(keys and await redis.exists(*keys))


def key_of(kind: str, process: str) -> str:
    return f"{PREFIX}{kind}:{process}"
