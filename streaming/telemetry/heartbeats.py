"""Heartbeats: every second or two each process publishes its state in a key that expires.

The last state of each process is kept for an hour, so that a missing process can be reported.
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
HEARD = "throughline:heard:at"  # sorted set: kind:process, by the time of its last heartbeat
REMEMBERED_FOR = timedelta(hours=1)
REFUSED = "throughline:refused-commands"  # hash: refusal code -> count, of all web processes

S = TypeVar("S", bound="State")


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a process publishes. The class name is also the name of the Redis set of such processes."""

    process: str
    told_at: datetime
    stats: ProcessStats | None = None
    ended: bool = False  # the process shut down in order
    clock_s: float = msgspec.field(default_factory=lambda: site_time.ahead().total_seconds())  # ahead of Redis'


class WorkerState(State, frozen=True, kw_only=True):
    running: int  # attempts
    breakers: dict[str, str] = {}  # by model server: closed, half-open or open
    requests: dict[str, int] = {}  # in flight, by model server
    limit: int = 0  # concurrent attempts; 0: unknown
    queues: list[str] = []
    drained: list[str] = []  # keys of the drained model servers that it knows of


class BackgroundState(State, frozen=True, kw_only=True):
    """A worker that makes no answers, but runs the background tasks: sweeps, probes, titles, history."""


class WebState(State, frozen=True, kw_only=True):
    sockets: int  # open, of chat pages
    waiting: int = 0  # of these, sockets whose pages do not read what they are sent
    opened_per_s: float = 0.0  # sockets, since the last heartbeat
    watched: int = 0  # answers


class BeatState(State, frozen=True, kw_only=True):
    """Published after each sweep that beat sends, and by nothing else."""


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
    """``refused``: commands refused since the last heartbeat, by code. ``more``: fields of WebState."""
    await publish(redis, WebState(process=process, told_at=site_time.now(), sockets=sockets, **more), refused)


async def publish(redis: AsyncRedis, state: State, refused: Mapping[str, int]) -> None:
    # One transaction, so that a retry after an error counts nothing twice.
    async with redis.pipeline() as pipeline:
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
    """Also removes processes silent for an hour: on a site that is never wholly restarted, nothing else would."""
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
    """The processes of this kind with a live heartbeat; removes the others from the set. Usually two commands."""
    kind = of.__name__
    members: Any = redis.smembers(f"{PREFIX}{kind}")
    names = sorted(name.decode() for name in members)
    stored: Any = redis.mget([key_of(kind, name) for name in names]) if names else []
    if expired := [name for name, state in zip(names, stored, strict=True) if state is None]:
        redis.srem(f"{PREFIX}{kind}", *expired)
    return exchanged.read(stored, of)


def missing(redis: Redis, of: type[S], up: Collection[State]) -> list[S]:
    """The processes of this kind whose last heartbeat is within the hour, but has expired. Two commands."""
    kind, names = of.__name__, {state.process for state in up}
    since = site_time.now() - REMEMBERED_FOR
    heard: Any = redis.zrangebyscore(HEARD, since.timestamp(), "+inf")
    of_kind = [name.decode().removeprefix(f"{kind}:") for name in heard if name.startswith(f"{kind}:".encode())]
    keys = [heard_key(kind, process) for process in of_kind if process not in names]
    stored: Any = redis.mget(keys) if keys else []
    return sorted(exchanged.read(stored, of), key=lambda state: state.told_at, reverse=True)


async def has_worker(redis: AsyncRedis) -> bool:
    """Whether any worker has a live heartbeat. Two commands."""
    kind = WorkerState.__name__
    members: Any = await redis.smembers(f"{PREFIX}{kind}")  # type: ignore[misc]
    keys = [key_of(kind, name.decode()) for name in members]
    return bool(keys and await redis.exists(*keys))


def key_of(kind: str, process: str) -> str:
    return f"{PREFIX}{kind}:{process}"


def heard_key(kind: str, process: str) -> str:
    """Holds the last state for an hour."""
    return f"throughline:heard:{kind}:{process}"
