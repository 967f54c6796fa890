"""Answers that wait for a place: taken in turn by user, never more of one user's at a time than the limit.

In Redis, derived from the database: what is lost there, the next sweep puts in again. What is put in twice stands there
once, and a process that takes one gets its lease in the same step.

- ``turns``: sorted set of the users who have something waiting; the lowest number is the next
- ``waiting:<user>``: sorted set of a user's generations, by when they were accepted
- ``resuming``: sorted set of `user:generation` that were interrupted: they come first, since they had their place
- ``running:<user>``: set of those that run; one without a lease runs no more, whatever became of its process
- ``dispatched``: hash of when each was put in
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.dateparse import parse_datetime
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from streaming.leases import milliseconds
from streaming.queue_scripts import COUNT_READY, LOOK, PUT, RELEASE, TAKE, WITHDRAW

PREFIX = "throughline:queue:"
BATCH = 500  # entries that one script handles: a few milliseconds, in which Redis does nothing else
MOST_READY = 100  # that are counted


@dataclass(frozen=True)
class Entry:
    """An answer that is to be made."""

    user: int
    generation: UUID
    accepted_at: datetime
    is_resuming: bool = False  # it was begun, and its process is gone

    @property
    def arguments(self) -> tuple[str, str, str, str]:
        at = repr(self.accepted_at.timestamp())
        return str(self.user), str(self.generation), at, str(int(self.is_resuming))


@dataclass(frozen=True)
class Taken:
    """An answer whose lease this process has now."""

    generation: UUID
    user: int
    dispatched_at: datetime | None


@dataclass(frozen=True)
class Place:
    """Where a waiting answer stands."""

    ahead: int  # answers that are taken before it
    is_held: bool = False  # by its owner's other answers, not by everybody's: only those are counted


def put(redis: Redis, entries: Iterable[Entry], at: datetime, hints: str) -> tuple[int, int]:
    """Put them in, unless they are, or run; ``at`` is now. One round trip, however many. Raises RedisError, OSError.

    Returns how many could be taken now, up to MOST_READY, and how long the list ``hints`` is.
    """
    waiting = iter(entries)
    with redis.pipeline(transaction=False) as pipeline:
        while batch := list(islice(waiting, BATCH)):
            pipeline.eval(PUT, 0, at.isoformat(), *(argument for entry in batch for argument in entry.arguments))
        pipeline.eval(COUNT_READY, 1, hints, str(settings.RUNNING_ANSWERS_PER_USER), str(MOST_READY))
        ready, waiting_hints = pipeline.execute()[-1]
    return ready, waiting_hints


async def withdraw(redis: AsyncRedis, user: int, generation_id: UUID) -> None:
    """It was stopped before anybody took it. If that is lost, who takes it finds so. Raises RedisError, OSError."""
    await redis.eval(WITHDRAW, 0, str(user), str(generation_id))  # type: ignore[misc]


class AnswerQueue:
    """For one process that makes answers."""

    def __init__(self, redis: AsyncRedis, process: str):
        self._process = process
        self._take = redis.register_script(TAKE)
        self._release = redis.register_script(RELEASE)

    async def take(self) -> Taken | None:
        """The next one, with its lease; None if nobody has one waiting and may run another. Raises RedisError."""
        arguments: list[str | int] = [self._process, milliseconds(), settings.RUNNING_ANSWERS_PER_USER]
        found: list[bytes] | None = await self._take(args=arguments)
        if found is None:
            return None
        generation, user, at = (field.decode() for field in found)
        return Taken(UUID(generation), int(user), parse_datetime(at) if at else None)

    async def release(self, taken: Taken) -> None:
        """It runs here no more. Raises RedisError."""
        await self._release(args=[self._process, str(taken.user), str(taken.generation)])


async def places(redis: AsyncRedis, users: Sequence[int]) -> dict[UUID, Place]:
    """Of all that these users have waiting. One command. Raises RedisError."""
    return places_in(await redis.eval(LOOK, 0, *map(str, users)), users)  # type: ignore[misc]


def places_now(redis: Redis, users: Sequence[int]) -> dict[UUID, Place]:
    """The same, outside of coroutines."""
    return places_in(redis.eval(LOOK, 0, *map(str, users)), users)


def places_in(found: Any, users: Sequence[int]) -> dict[UUID, Place]:
    """From what LOOK returns."""
    resuming, rows, waiting = found
    line = [(int(user), running >= settings.RUNNING_ANSWERS_PER_USER, count) for user, running, count in rows]
    turns = {user: turn for turn, (user, _, _) in enumerate(line)}
    places = {}
    for user, generations in zip(users, waiting, strict=True):
        turn = turns.get(user, len(line))
        is_held = any(owner == user and held for owner, held, _ in line)
        others = [(n, count) for n, (owner, held, count) in enumerate(line) if owner != user and not held]
        for own, generation in enumerate(generations):
            before = 0 if is_held else resuming + sum(min(count, own + (n < turn)) for n, count in others)
            places[UUID(generation.decode())] = Place(own + before, is_held)
    return places
