"""Which processes live: each tells every second or two what it does, in a key that expires.

What each told last is remembered for longer, so that one that is gone can be missed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from conversations import site_time
from streaming.coordination import exchanged

from .process_stats import ProcessStats
from .watchdog import report_replaced

PREFIX = "throughline:alive:"
HEARD_FOR_S = 6
HEARD = "throughline:heard:at"  # sorted set: kind:process, by when it told last
REMEMBERED_FOR = timedelta(hours=1)
REFUSED = "throughline:refused-commands"  # hash: code of the refusal -> how many, of all web processes

S = TypeVar("S", bound="State")


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a process tells. The class's name is that of the set that Redis keeps of such processes."""

    process: str
    told_at: datetime
    stats: ProcessStats | None = None
    ended: bool = False  # it was told to end, and said so
    clock_s: float = msgspec.field(default_factory=lambda: site_time.ahead().total_seconds())  # ahead of Redis'


class WorkerState(State, frozen=True, kw_only=True):
    running: int  # attempts
    breakers: dict[str, str] = {}  # by model server: closed, half-open or open
    requests: dict[str, int] = {}  # that it has now, by model server
    limit: int = 0  # attempts at once; 0: not told
    queues: list[str] = []
    drained: list[str] = []  # keys of model servers that it asks for nothing new, by an operator's will


class BackgroundState(State, frozen=True, kw_only=True):
    """Of a worker that makes no answers, but does all that goes on beside them: sweeps, probes, titles, history."""


class WebState(State, frozen=True, kw_only=True):
    sockets: int  # of chat pages, that are open
    waiting: int = 0  # of these, those whose pages do not read what they are sent
    opened_per_s: float = 0.0  # sockets, since it told last
    watched: int = 0  # answers


class BeatState(State, frozen=True, kw_only=True):
    """Told by each sweep that beat has sent, and by nothing else."""


def this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


async def publish_worker(
    redis: AsyncRedis, process: str, running: int, breakers: Mapping[str, str], **more: Any
) -> None:
    """``more``: fields of WorkerState."""
    now = site_time.now()
    await publish(
        redis, WorkerState(process=process, told_at=now, running=running, breakers=dict(breakers), **more), {}
    )


async def publish_background(redis: AsyncRedis, process: str, **more: Any) -> None:
    """``more``: fields of BackgroundState."""
    await publish(redis, BackgroundState(process=process, told_at=site_time.now(), **more), {})


async def publish_web(redis: AsyncRedis, process: str, sockets: int, refused: Mapping[str, int], **more: Any) -> None:
    """``refused`` are the commands refused since the last time, by code. ``more``: fields of WebState."""
    await publish(redis, WebState(process=process, told_at=site_time.now(), sockets=sockets, **more), refused)


async def publish(redis: AsyncRedis, state: State, refused: Mapping[str, int]) -> None:
    async with redis.pipeline() as pipeline:  # as one, so that what is told again after an error is not counted twice
        put(pipeline, state)
        report_replaced(pipeline)
        for code, count in refused.items():
            pipeline.hincrby(REFUSED, code, count)
        await pipeline.execute()


def publish_beat(redis: Redis, stats: ProcessStats, *, ended: bool = False) -> None:
    with redis.pipeline() as pipeline:
        put(pipeline, BeatState(process=this_process(), told_at=site_time.now(), stats=stats, ended=ended))
        pipeline.execute()


def put(pipeline: Any, state: State) -> None:
    """Forgets who was not heard of for an hour: on a site that is never restarted as a whole, nobody else would."""
    kind, stored = type(state).__name__, msgspec.json.encode(state)
    if state.ended:
        pipeline.delete(key_of(kind, state.process))
    else:
        pipeline.set(key_of(kind, state.process), stored, ex=HEARD_FOR_S)
        pipeline.sadd(f"{PREFIX}{kind}", state.process)
    pipeline.set(heard_key(kind, state.process), stored, ex=REMEMBERED_FOR)
    pipeline.zadd(HEARD, {f"{kind}:{state.process}": state.told_at.timestamp()})
    pipeline.zremrangebyscore(HEARD, "-inf", (state.told_at - REMEMBERED_FOR).timestamp())
    pipeline.expire(HEARD, REMEMBERED_FOR)


def living(redis: Redis, of: type[S]) -> list[S]:
    """The processes of this kind that were heard of lately; forgets the others. Two commands, mostly."""
    kind = of.__name__
    members: Any = redis.smembers(f"{PREFIX}{kind}")
    names = sorted(name.decode() for name in members)
    stored: Any = redis.mget([key_of(kind, name) for name in names]) if names else []
    if gone := [name for name, state in zip(names, stored, strict=True) if state is None]:
        redis.srem(f"{PREFIX}{kind}", *gone)
    return exchanged.read(stored, of)


def gone(redis: Redis, of: type[S], alive: Collection[State]) -> list[S]:
    """The processes of this kind that were heard of in the last hour, and not lately. Two commands."""
    kind, names = of.__name__, {state.process for state in alive}
    since = site_time.now() - REMEMBERED_FOR
    told: Any = redis.zrangebyscore(HEARD, since.timestamp(), "+inf")
    of_kind = [name.decode().removeprefix(f"{kind}:") for name in told if name.startswith(f"{kind}:".encode())]
    keys = [heard_key(kind, process) for process in of_kind if process not in names]
    stored: Any = redis.mget(keys) if keys else []
    return sorted(exchanged.read(stored, of), key=lambda state: state.told_at, reverse=True)


async def has_worker(redis: AsyncRedis) -> bool:
    """One was heard of lately. Two commands."""
    kind = WorkerState.__name__
    members: Any = await redis.smembers(f"{PREFIX}{kind}")  # type: ignore[misc]
    keys = [key_of(kind, name.decode()) for name in members]
    return bool(keys and await redis.exists(*keys))


def key_of(kind: str, process: str) -> str:
    return f"{PREFIX}{kind}:{process}"


def heard_key(kind: str, process: str) -> str:
    """Holds what it told last, for an hour."""
    return f"throughline:heard:{kind}:{process}"
