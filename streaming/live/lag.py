"""How long text takes from its append to this hub, measured with entries of the hub's own: one clock, no token more."""

from __future__ import annotations

import time
from collections.abc import Sequence

from redis.asyncio import Redis

from streaming.log.stream_log import PlainEntry
from streaming.telemetry import counters
from streaming.telemetry.counters import HUB_LAG
from streaming.telemetry.heartbeats import this_process

SENT = b"sent"
KEPT_S = 60


class LagProbe:
    """Its log is read among the others, behind what stands before it."""

    def __init__(self) -> None:
        self.key = f"throughline:lag:{this_process()}"
        self.position = "0-0"
        self._reading_since: float | None = None  # monotonic; None: nobody watches anything here

    async def send(self, redis: Redis) -> None:
        """Raises RedisError, OSError."""
        async with redis.pipeline() as pipeline:
            pipeline.xadd(self.key, {SENT: repr(time.monotonic())}, maxlen=1, approximate=False)
            pipeline.expire(self.key, KEPT_S)
            await pipeline.execute()

    def begin(self) -> None:
        """The hub reads; what was sent while it rested says nothing."""
        if self._reading_since is None:
            self._reading_since = time.monotonic()

    def rest(self) -> None:
        self._reading_since = None

    def heard(self, raw: Sequence[PlainEntry]) -> None:
        now = time.monotonic()
        for position, (_, moment) in raw:
            self.position = position.decode()
            sent = float(moment)
            if self._reading_since is not None and self._reading_since <= sent <= now:
                counters.observe(HUB_LAG, [now - sent])
