"""Limits per user: requests per minute, and open connections. Counted in Redis, for all processes together.

Without Redis nobody is refused. A process's connections count only while it reports that it lives, so a killed process
locks nobody out.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from functools import cache, partial
from typing import Any

from django.conf import settings
from redis.asyncio import Redis
from redis.commands.core import Script
from redis.exceptions import RedisError

from conversations.models.chat.asking import ConversationError
from streaming.telemetry.heartbeats import this_process

from .redis_clients import command_client, sync_client

logger = logging.getLogger(__name__)

WINDOW_MS = 60_000
CARE_INTERVAL_S = 2.0
LIVES_MS = 10_000  # a process that was silent for so long has nothing open any more
KEPT_S = 24 * 3600
RETRY_AFTER_S = 5.0  # when the user has to close something first

# Returns how long to wait, in ms; 0 if the request was counted. The key holds the time when all requests so far would
# be done at an even pace (generic cell rate algorithm), by Redis' clock.
COUNT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local each, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + each
if due - now > window then return math.ceil(due - now - window) end
redis.call('SET', KEYS[1], string.format('%.3f', due), 'PX', window)
return 0
"""
# Whether the user may open one more, which then counts for this process; and whether Redis knew that the process lives.
TAKE = """
local process, limit = ARGV[1], tonumber(ARGV[2])
local is_known = redis.call('SET', 'throughline:lives:' .. process, 1, 'PX', ARGV[3], 'GET') and 1 or 0
local total, counted = 0, redis.call('HGETALL', KEYS[1])
for i = 1, #counted, 2 do
  if redis.call('EXISTS', 'throughline:lives:' .. counted[i]) == 0 then
    redis.call('HDEL', KEYS[1], counted[i])
  else
    total = total + counted[i + 1]
  end
end
if total >= limit then return {0, is_known} end
redis.call('HINCRBY', KEYS[1], process, 1)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {1, is_known}
"""


class TooMany(ConversationError):
    """``retry_after_s``: when a retry may succeed."""

    code = "too_many"

    def __init__(self, sentence: str, retry_after_s: float) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s


class TooManyRequests(TooMany):
    def __init__(self, retry_after_s: float) -> None:
        limit = settings.REQUESTS_PER_MINUTE
        super().__init__(f"Too many requests: {limit} per minute are allowed. Wait a moment.", retry_after_s)


class TooManyOpen(TooMany):
    def __init__(self, kind: str, limit: int) -> None:
        sentence = f"You have too many {kind} open: {limit} are allowed. Close some, then try again."
        super().__init__(sentence, RETRY_AFTER_S)


def count_request(user: int) -> None:
    """Blocks: call it in a thread. Raises TooManyRequests."""
    arguments = [WINDOW_MS / settings.REQUESTS_PER_MINUTE, WINDOW_MS]
    try:
        wait_ms: Any = counting()(keys=[f"throughline:requests:{user}"], args=arguments)
    except (RedisError, OSError) as error:
        logger.warning("requests of user %s were not counted: %s", user, error)
        return
    if wait_ms:
        raise TooManyRequests(wait_ms / 1000)


@cache
def counting() -> Script:
    return sync_client().register_script(COUNT)


class Slot:
    """The right to have one connection open; given back by ``leave``, or when garbage-collected."""

    def __init__(self, give_back: Callable[[], None]):
        self._give_back: Callable[[], None] | None = give_back

    def leave(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back:
            give_back()

    __del__ = leave


class Open:
    """This process's open connections of one kind, by user."""

    def __init__(self, redis: Redis, process: str, kind: str):
        self._redis = redis
        self._process = f"{process}:{kind}"  # each kind detects on its own that Redis lost its counts
        self._kind = kind
        self._take = redis.register_script(TAKE)
        self._loop = asyncio.get_running_loop()
        self.news = asyncio.Event()  # something was given back
        self._open: Counter[int] = Counter()
        self._given_back: Counter[int] = Counter()  # not yet subtracted in Redis
        self._unverified: set[int] = set()  # users whose count in Redis may differ

    async def take(self, user: int, limit: int) -> Slot:
        """Raises TooManyOpen."""
        arguments: list[str | int] = [self._process, limit, LIVES_MS, KEPT_S]
        try:
            is_free, is_known = await self._take(keys=[self._key(user)], args=arguments)
        except (RedisError, OSError) as error:
            logger.warning("open connections of user %s were not counted: %s", user, error)
            self._unverified.add(user)
            is_free = is_known = True
        if not is_known:
            self._unverified.update(self._open)
        if not is_free:
            raise TooManyOpen(self._kind, limit)
        self._open[user] += 1
        return Slot(partial(self._give_back_soon, user))

    def _give_back_soon(self, user: int) -> None:
        """Safe from any thread: the garbage collector may call it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._give_back, user)

    def _give_back(self, user: int) -> None:
        self._open[user] -= 1
        if not self._open[user]:
            del self._open[user]
        self._given_back[user] += 1
        self.news.set()

    async def publish(self) -> None:
        """Publish that this process lives, and what was given back; the whole count where Redis' may be wrong."""
        self.news.clear()
        given_back, self._given_back = self._given_back, Counter()
        unverified, self._unverified = self._unverified, set()
        try:
            lived = await self._redis.set(f"throughline:lives:{self._process}", 1, px=LIVES_MS, get=True)
            replaced = unverified if lived else {*unverified, *given_back, *self._open}
            async with self._redis.pipeline(transaction=False) as pipeline:
                for user in {*given_back, *replaced}:
                    if user in replaced:
                        pipeline.hset(self._key(user), self._process, str(self._open[user]))
                    else:
                        pipeline.hincrby(self._key(user), self._process, -given_back[user])
                    pipeline.expire(self._key(user), KEPT_S)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            self._unverified |= {*unverified, *given_back}
            logger.warning("open %s were not counted: %s", self._kind, error)

    def _key(self, user: int) -> str:
        return f"throughline:open:{self._kind.replace(' ', '-')}:{user}"


class Limits:
    """The connection limits of one process; must be created in its event loop."""

    def __init__(self, redis: Redis | None = None, process: str = "") -> None:
        self._redis, process = redis or command_client(), process or this_process()
        self.sockets = Open(self._redis, process, "pages")
        self.streams = Open(self._redis, process, "event streams")
        both = (self.sockets, self.streams)
        self._care = [asyncio.create_task(self._take_care(one), name="limits") for one in both]

    async def take_socket(self, user: int) -> Slot:
        """Raises TooManyOpen."""
        return await self.sockets.take(user, settings.SOCKETS_PER_USER)

    async def take_stream(self, user: int) -> Slot:
        """Raises TooManyOpen."""
        return await self.streams.take(user, settings.STREAMS_PER_USER)

    async def _take_care(self, open_things: Open) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(CARE_INTERVAL_S):
                    await open_things.news.wait()
            await open_things.publish()


_limits: Limits | None = None


def limits() -> Limits:
    """This process's limits; the first caller creates them, in its event loop."""
    global _limits
    if _limits is None:
        _limits = Context().run(Limits)  # an empty context: its tasks belong to no request
    return _limits
