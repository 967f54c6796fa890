"""Readings of what processes have used, and of Redis' traffic."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psutil
from redis.exceptions import RedisError

from streaming.coordination.redis_clients import open_sync_client

from . import Failed

DRIVER = "driver"
OTHERS = ("model", DRIVER)  # measured too, but not part of the site


@dataclass(frozen=True)
class Reading:
    at: float
    cpu: dict[str, float]  # seconds, by process
    busy: float  # seconds that all processors have worked, for any program
    memory: dict[str, int]  # resident bytes, by process
    redis_in: int  # bytes that Redis has received from all clients since its start
    redis_out: int

    @property
    def site_memory(self) -> int:
        return sum(size for name, size in self.memory.items() if name not in OTHERS)


class Meters:
    def __init__(self, processes: Mapping[str, int]):
        """``processes``: name → process id. Raises Failed if one does not exist."""
        try:
            self._processes = {name: psutil.Process(pid) for name, pid in processes.items()}
        except psutil.NoSuchProcess as error:
            raise Failed(f"there is no process {error.pid}") from error
        self._processes[DRIVER] = psutil.Process()
        self._redis = open_sync_client()

    def read(self) -> Reading:
        """Raises Failed."""
        try:
            return self._read()
        except (psutil.Error, RedisError, OSError) as error:
            raise Failed(f"a process of the site does not answer: {error}") from error

    def _read(self) -> Reading:
        stats: Any = self._redis.info("stats")
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        return Reading(
            at=time.monotonic(),
            cpu={name: spent.user + spent.system for name, spent in times.items()},
            busy=busy_seconds(),
            memory={name: process.memory_info().rss for name, process in self._processes.items()},
            redis_in=stats["total_net_input_bytes"],
            redis_out=stats["total_net_output_bytes"],
        )


def others_share(before: Reading, after: Reading) -> float:
    """Returns the percentage of the machine's processor time that programs outside the measurement took."""
    known = sum(after.cpu.values()) - sum(before.cpu.values())
    rest = max(after.busy - before.busy - known, 0.0)
    return 100 * rest / ((after.at - before.at) * (psutil.cpu_count() or 1))


def busy_seconds() -> float:
    times: dict[str, float] = psutil.cpu_times()._asdict()
    return sum(seconds for name, seconds in times.items() if name not in ("idle", "iowait", "guest", "guest_nice"))
