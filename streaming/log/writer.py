"""Group commit: one writer per process appends the records of all its generations to their logs.

Text that arrives during a write is joined per part and goes out with the next pipeline. At low load every token leaves
at once; with many streams the writer waits for a few milliseconds between two pipelines.
"""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID
from weakref import WeakSet

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from streaming.coordination.redis_clients import Connections
from streaming.telemetry import counters

from .fold import Folded
from .handle import LogHandle
from .stream_log import batch_delay

logger = logging.getLogger(__name__)

RETRY_DELAYS_S = (0.05, 0.1, 0.2, 0.5, 1.0)  # while Redis is unavailable; the last one repeats


class LogWriter:
    """Writes for all handles of a process; the runner owns its only task, ``run``."""

    def __init__(self, redis: Redis, connections: Connections):
        """``connections`` counts those of ``redis``: between two of them Redis may have lost records."""
        self._redis = redis
        self._connections = connections
        self._known_connections = connections.count
        self._open: WeakSet[LogHandle] = WeakSet()
        self._dirty: dict[LogHandle, None] = {}  # in order of arrival
        self._doubtful: set[LogHandle] = set()  # unknown how much of their logs Redis has
        self._work = asyncio.Event()
        self.appended = self.appended_bytes = 0  # confirmed by Redis, not yet added to the counters

    def open(self, generation_id: UUID, attempt: int, begun: Folded, entries: int) -> LogHandle:
        """A handle for an attempt that has claimed the log, whose ``entries`` entries fold to ``begun``."""
        handle = LogHandle(self, generation_id, attempt, begun, entries)
        self._open.add(handle)
        return handle

    def wake(self, handle: LogHandle) -> None:
        self._dirty[handle] = None
        self._work.set()

    async def run(self) -> None:
        failures = 0
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                if refusals := [*await self._settle_doubts(), *await self._write()]:
                    raise refusals[0]
                failures = 0
                await asyncio.sleep(batch_delay(len(self._open)))
            except (RedisError, OSError) as error:
                logger.warning("appending to the logs of %d generations failed: %s", len(self._dirty), error)
                await asyncio.sleep(RETRY_DELAYS_S[min(failures, len(RETRY_DELAYS_S) - 1)])
                failures += 1
                self._work.set()

    async def _settle_doubts(self) -> list[ResponseError]:
        """Find out what Redis has of doubtful logs. Nothing is sent again on a guess: Redis would refuse a known id,
        just as it refuses an earlier attempt's.

        Returns Redis' errors about single logs. Raises RedisError, OSError if Redis is unavailable.
        """
        refusals: list[ResponseError] = []
        for handle in list(self._doubtful):
            try:
                await handle.find_out(self._redis)
            except ResponseError as error:
                refusals.append(error)
            else:
                self._doubtful.discard(handle)
        self._mark_doubtful_after_reconnection()
        return refusals

    async def _write(self) -> list[ResponseError]:
        """Returns and raises as ``_settle_doubts``. A handle whose write is not confirmed stays dirty and doubtful."""
        handles = [handle for handle in self._dirty if handle.is_dirty and handle not in self._doubtful]
        pipeline = self._redis.pipeline(transaction=False)
        counts = [handle.fill(pipeline) for handle in handles]
        self._doubtful.update(handles)
        answers = await pipeline.execute(raise_on_error=False)
        refusals: list[ResponseError] = []
        for handle, count in zip(handles, counts, strict=True):
            try:
                handle.take(answers[:count])
            except ResponseError as error:
                refusals.append(error)
            else:
                self._doubtful.discard(handle)
            del answers[:count]
        self._dirty = {handle: None for handle in self._dirty if handle.is_dirty}
        counters.add(counters.LOG_APPENDS, self.appended)
        counters.add(counters.LOG_BYTES, self.appended_bytes)
        self.appended = self.appended_bytes = 0
        self._mark_doubtful_after_reconnection()
        return refusals

    def _mark_doubtful_after_reconnection(self) -> None:
        """After a reconnection Redis may have restarted and lost its last second: every open log is doubtful."""
        known, self._known_connections = self._known_connections, self._connections.count
        if known not in (0, self._known_connections):  # 0: the first connection
            self._doubtful.update(self._open)
            self._work.set()
