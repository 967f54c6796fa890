"""Answers that wait for a place: taken in turn by user, never more of one user's at a time than the limit.

In Redis, derived from the database: what is lost there, the next sweep puts in again. What is put in twice stands there
once, and a process that takes one gets its lease in the same step.

- ``turns``: sorted set of the users who have something waiting; the lowest number is the next
- ``waiting:<user>``: sorted set of a user's generations, by when they were accepted
- ``resuming``: sorted set of `user:generation` that were interrupted: they come first, since they had their place
- ``running:<user>``: set of those that run; one without a lease runs no more, whatever became of its process
- ``dispatched``: hash of when each was put in
- ``is-there``, ``emptied``: whether Redis has lost everything, and that it was a moment ago
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, chain, islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.dateparse import parse_datetime
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from .leases import milliseconds
from .queue_scripts import COUNT_READY, LOOK, PUT, RELEASE, TAKE, WITHDRAW

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
class QueuePosition:
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
            arguments = chain.from_iterable(entry.arguments for entry in batch)
            pipeline.eval(PUT, 0, at.isoformat(), str(milliseconds()), *arguments)
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


async def places(redis: AsyncRedis, users: Sequence[int]) -> dict[UUID, QueuePosition]:
    """Of all that these users have waiting. One command. Raises RedisError."""
    return places_in(await redis.eval(LOOK, 0, *map(str, users)), users)  # type: ignore[misc]


def places_now(redis: Redis, users: Sequence[int]) -> dict[UUID, QueuePosition]:
    """The same, outside of coroutines."""
    return places_in(redis.eval(LOOK, 0, *map(str, users)), users)


def places_in(found: Any, users: Sequence[int]) -> dict[UUID, QueuePosition]:
    """From what LOOK returns. Takes time with what waits, not with its square: a thousand users may look at once."""
    resuming, line, waiting = found
    limit = settings.RUNNING_ANSWERS_PER_USER
    turns = {int(user): turn for turn, (user, _, _) in enumerate(line)}
    free = [(turn, count) for turn, (_, running, count) in enumerate(line) if running < limit]
    rounds: list[list[int]] = []  # each time that it goes round: the turns of those who have something left
    while free:
        rounds.append([turn for turn, _ in free])
        free = [(turn, count) for turn, count in free if count > len(rounds)]
    before = list(accumulate(map(len, rounds), initial=resuming))  # each round
    places = {}
    for user, generations in zip(users, waiting, strict=True):
        if (turn := turns.get(user)) is None:  # Redis has lost it: the next sweep puts it in again
            continue
        is_held = line[turn][1] >= limit
        for own, generation in enumerate(generations):
            ahead = own if is_held else before[own] + bisect_left(rounds[own], turn)
            places[UUID(generation.decode())] = QueuePosition(ahead, is_held)
    return places
