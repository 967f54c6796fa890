"""The queue of answers: users take turns, and no user runs more answers at a time than the limit.

It is in Redis and derived from the database: the next sweep puts lost entries in again. Putting one in twice has no
effect, and taking one grants its lease in the same step.

- ``turns``: sorted set of the users with waiting generations; the lowest number is next
- ``waiting:<user>``: sorted set of a user's generations, by when they were accepted
- ``resuming``: sorted set of interrupted `user:generation`: they come first, since they already had their turn
- ``running:<user>``: set of running generations; one without a lease no longer runs, whatever became of its process
- ``dispatched``: hash of when each was put in
- ``is-there``, ``emptied``: missing if Redis lost everything; set for a lease's time after that was noticed
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

PREFIX = "throughline:queue:"
BATCH = 500  # entries per script call: a few milliseconds, in which Redis does nothing else
MOST_READY = 100  # counting stops there

# The queue's operations: Lua scripts, each atomic.

SHARED = """
local queue, lease = 'throughline:queue:', 'throughline:lease:'
local turns, resuming, dispatched = queue .. 'turns', queue .. 'resuming', queue .. 'dispatched'

local function has_room(user, limit)
  local running = queue .. 'running:' .. user
  if redis.call('SCARD', running) < limit then return true end
  for _, generation in ipairs(redis.call('SMEMBERS', running)) do
    if redis.call('EXISTS', lease .. generation) == 0 then redis.call('SREM', running, generation) end
  end
  return redis.call('SCARD', running) < limit
end

local function add_running(user, generation)
  redis.call('SADD', queue .. 'running:' .. user, generation)
  redis.call('EXPIRE', queue .. 'running:' .. user, 86400)
end

local function put(user, generation, accepted, is_resuming, at)
  if redis.call('EXISTS', lease .. generation) == 1 then
    add_running(user, generation)
    return
  end
  if is_resuming == '1' and redis.call('EXISTS', queue .. 'emptied') == 1 then return end
  redis.call('HSETNX', dispatched, generation, at)
  if is_resuming == '1' then
    redis.call('ZADD', resuming, 'NX', accepted, user .. ':' .. generation)
    return
  end
  redis.call('ZADD', queue .. 'waiting:' .. user, 'NX', accepted, generation)
  if not redis.call('ZSCORE', turns, user) then
    redis.call('ZADD', turns, redis.call('INCR', queue .. 'turn'), user)
  end
end
"""
# An emptied Redis has no leases. Running processes renew theirs soon; until then, no answer counts as interrupted.
PUT = f"""{SHARED}
if redis.call('SET', queue .. 'is-there', 1, 'NX') then redis.call('SET', queue .. 'emptied', 1, 'PX', ARGV[2]) end
for i = 3, #ARGV, 4 do put(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[1]) end
"""
# Users at their limit keep their turn. There are few of them, since each occupies several places.
TAKE = f"""{SHARED}
local process, lease_ms, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function grant(user, generation)
  local at = redis.call('HGET', dispatched, generation)
  redis.call('HDEL', dispatched, generation)
  if not redis.call('SET', lease .. generation, process, 'NX', 'PX', lease_ms) then return nil end
  add_running(user, generation)
  return {{generation, user, at or ''}}
end

while redis.call('ZCARD', resuming) > 0 do
  local user, generation = string.match(redis.call('ZPOPMIN', resuming)[1], '^(.-):(.*)$')
  local granted = grant(user, generation)
  if granted then return granted end
end
local index = 0
while true do
  local user = redis.call('ZRANGE', turns, index, index)[1]
  if not user then return nil end
  if has_room(user, limit) then
    local waiting = queue .. 'waiting:' .. user
    local generation = redis.call('ZPOPMIN', waiting)[1]
    if redis.call('EXISTS', waiting) == 1 then
      redis.call('ZADD', turns, redis.call('INCR', queue .. 'turn'), user)
    else
      redis.call('ZREM', turns, user)
    end
    local granted = generation and grant(user, generation)
    if granted then return granted end
  else
    index = index + 1
  end
end
"""
RELEASE = f"""{SHARED}
redis.call('SREM', queue .. 'running:' .. ARGV[2], ARGV[3])
if redis.call('GET', lease .. ARGV[3]) == ARGV[1] then redis.call('DEL', lease .. ARGV[3]) end
"""
WITHDRAW = f"""{SHARED}
local waiting = queue .. 'waiting:' .. ARGV[1]
redis.call('ZREM', waiting, ARGV[2])
redis.call('HDEL', dispatched, ARGV[2])
if redis.call('EXISTS', waiting) == 0 then redis.call('ZREM', turns, ARGV[1]) end
"""
# How many could be taken now, up to a bound; and how many wake-ups no worker has received yet.
COUNT_READY = f"""{SHARED}
local limit, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local ready = redis.call('ZCARD', resuming)
local index = 0
while ready < most do
  local user = redis.call('ZRANGE', turns, index, index)[1]
  if not user then break end
  if has_room(user, limit) then
    local room = limit - redis.call('SCARD', queue .. 'running:' .. user)
    ready = ready + math.min(room, redis.call('ZCARD', queue .. 'waiting:' .. user))
  end
  index = index + 1
end
return {{math.min(ready, most), redis.call('LLEN', KEYS[1])}}
"""
# The number resuming; for each user in line the id, the numbers running and waiting; the given users' generations.
LOOK = f"""{SHARED}
local found = {{}}
for _, user in ipairs(redis.call('ZRANGE', turns, 0, -1)) do
  local running, waiting = queue .. 'running:' .. user, queue .. 'waiting:' .. user
  found[#found + 1] = {{user, redis.call('SCARD', running), redis.call('ZCARD', waiting)}}
end
local waiting = {{}}
for i = 1, #ARGV do waiting[i] = redis.call('ZRANGE', queue .. 'waiting:' .. ARGV[i], 0, -1) end
return {{redis.call('ZCARD', resuming), found, waiting}}
"""


@dataclass(frozen=True)
class Entry:
    """An answer to be made."""

    user: int
    generation: UUID
    accepted_at: datetime
    is_resuming: bool = False  # begun by a process that no longer runs it

    @property
    def arguments(self) -> tuple[str, str, str, str]:
        at = repr(self.accepted_at.timestamp())
        return str(self.user), str(self.generation), at, str(int(self.is_resuming))


@dataclass(frozen=True)
class Taken:
    """An answer with its lease, which this process now holds."""

    generation: UUID
    user: int
    dispatched_at: datetime | None


@dataclass(frozen=True)
class QueuePosition:
    """The position of a waiting answer."""

    ahead: int  # answers that are taken before it
    is_held: bool = False  # its owner is at the limit: ``ahead`` counts only the owner's waiting answers


def put(redis: Redis, entries: Iterable[Entry], at: datetime, wake_ups: str) -> tuple[int, int]:
    """Put in those that neither wait nor run; ``at`` is now. One round trip, however many. Raises RedisError, OSError.

    Returns how many could be taken now, up to MOST_READY, and the length of the Redis list ``wake_ups``.
    """
    waiting = iter(entries)
    with redis.pipeline(transaction=False) as pipeline:
        while batch := list(islice(waiting, BATCH)):
            arguments = chain.from_iterable(entry.arguments for entry in batch)
            pipeline.eval(PUT, 0, at.isoformat(), str(milliseconds()), *arguments)
        pipeline.eval(COUNT_READY, 1, wake_ups, str(settings.RUNNING_ANSWERS_PER_USER), str(MOST_READY))
        ready, unreceived = pipeline.execute()[-1]
    return ready, unreceived


async def withdraw(redis: AsyncRedis, user: int, generation_id: UUID) -> None:
    """Remove an answer that was stopped before it was taken. If this is lost, the process that takes it notices.

    Raises RedisError, OSError.
    """
    await redis.eval(WITHDRAW, 0, str(user), str(generation_id))  # type: ignore[misc]


class AnswerQueue:
    """The queue as used by one worker process."""

    def __init__(self, redis: AsyncRedis, process: str):
        self._process = process
        self._take = redis.register_script(TAKE)
        self._release = redis.register_script(RELEASE)

    async def take(self) -> Taken | None:
        """The next answer, with its lease; None if no user below the limit has one waiting. Raises RedisError."""
        arguments: list[str | int] = [self._process, milliseconds(), settings.RUNNING_ANSWERS_PER_USER]
        found: list[bytes] | None = await self._take(args=arguments)
        if found is None:
            return None
        generation, user, at = (field.decode() for field in found)
        return Taken(UUID(generation), int(user), parse_datetime(at) if at else None)

    async def release(self, taken: Taken) -> None:
        """This process no longer runs it. Raises RedisError."""
        await self._release(args=[self._process, str(taken.user), str(taken.generation)])


async def queue_positions(redis: AsyncRedis, users: Sequence[int]) -> dict[UUID, QueuePosition]:
    """Positions of all waiting answers of these users. One command. Raises RedisError."""
    return positions_in(await redis.eval(LOOK, 0, *map(str, users)), users)  # type: ignore[misc]


def queue_positions_now(redis: Redis, users: Sequence[int]) -> dict[UUID, QueuePosition]:
    """Synchronous ``queue_positions``."""
    return positions_in(redis.eval(LOOK, 0, *map(str, users)), users)


def positions_in(found: Any, users: Sequence[int]) -> dict[UUID, QueuePosition]:
    """Computed from LOOK's result. Does not take quadratic time: a thousand users may look at once."""
    resuming, waiting_users, waiting = found
    limit = settings.RUNNING_ANSWERS_PER_USER
    turns = {int(user): turn for turn, (user, _, _) in enumerate(waiting_users)}
    free = [(turn, count) for turn, (_, running, count) in enumerate(waiting_users) if running < limit]
    rounds: list[list[int]] = []  # by round: the turns of the users who still have answers waiting
    while free:
        rounds.append([turn for turn, _ in free])
        free = [(turn, count) for turn, count in free if count > len(rounds)]
    before = list(accumulate(map(len, rounds), initial=resuming))  # answers taken before each round
    positions = {}
    for user, generations in zip(users, waiting, strict=True):
        if (turn := turns.get(user)) is None:  # lost by Redis: the next sweep puts it in again
            continue
        is_held = waiting_users[turn][1] >= limit
        for own, generation in enumerate(generations):
            ahead = own if is_held else before[own] + bisect_left(rounds[own], turn)
            positions[UUID(generation.decode())] = QueuePosition(ahead, is_held)
    return positions
