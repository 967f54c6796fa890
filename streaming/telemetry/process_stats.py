"""What a process measures of itself: CPU, memory and the lag of its event loop."""

from __future__ import annotations

import asyncio
import platform
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import cache

import django
import msgspec
import psutil
from django.conf import settings
from django.db import connections

from conversations import site_time

from .watchdog import Watchdog

NAP_S = 0.25
REMEMBERED = 60  # naps, 15 s together
REMEMBERED_S = NAP_S * REMEMBERED
GIT_TIMEOUT_S = 2.0


class Lag(msgspec.Struct, frozen=True):
    """How late the event loop woke, over the last 15 s."""

    p95_ms: float
    max_ms: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Lag | None:
        """None without values. At most one value in twenty exceeds p95."""
        if not seconds:
            return None
        ranked = sorted(seconds)
        return cls(1000 * ranked[int(0.95 * (len(ranked) - 1))], 1000 * ranked[-1])


class ProcessStats(msgspec.Struct, frozen=True):
    started_at: datetime
    versions: dict[str, str]
    cpu: float  # cores, over the last 15 s
    rss: int  # bytes
    lag: Lag | None = None  # None: not measured yet
    database: int | None = None  # pooled connections; None: no pool, as on SQLite


class EventLoopMonitor:
    def __init__(self) -> None:
        self._process = psutil.Process()
        self._started_at = datetime.fromtimestamp(self._process.create_time(), UTC)
        self._late: deque[float] = deque(maxlen=REMEMBERED)
        self._takes = deque([(time.monotonic(), time.process_time())])

    async def watch_loop(self) -> None:
        """Runs forever: sleeps in the watched event loop, records the lag, and notifies the watchdog."""
        with closing(Watchdog()) as watchdog:
            while True:
                watchdog.beat()
                due = time.monotonic() + NAP_S
                await asyncio.sleep(NAP_S)
                self.woke(time.monotonic() - due)

    def woke(self, late_s: float) -> None:
        self._late.append(max(late_s, 0.0))

    def take(self) -> ProcessStats:
        rss = self._process.memory_info().rss
        return ProcessStats(
            self._started_at - site_time.ahead(),
            versions(),
            self._cpu(),
            rss,
            Lag.of(self._late),
            database_connections(),
        )

    def _cpu(self) -> float:
        now, worked = time.monotonic(), time.process_time()
        while len(self._takes) > 1 and now - self._takes[0][0] > REMEMBERED_S:
            self._takes.popleft()
        since, worked_before = self._takes[0]
        self._takes.append((now, worked))
        return (worked - worked_before) / max(now - since, 0.001)


@cache
def versions() -> dict[str, str]:
    """The versions that this process was started with."""
    ours = {"Throughline": commit()} if commit() else {}
    return ours | {"Python": platform.python_version(), "Django": django.get_version()}


@cache
def commit() -> str:
    """The commit checked out at the first call; empty outside a checkout."""
    command = ["git", "-C", str(settings.BASE_DIR), "rev-parse", "--short", "HEAD"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def database_connections() -> int | None:
    pool = getattr(connections["default"], "pool", None)
    return pool.get_stats().get("pool_size", 0) if pool else None
