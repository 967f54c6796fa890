"""Stats and warnings of Redis and the database, for the operators' pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from redis import Redis

from conversations import site_time

REDIS_SLOW_MS = 20.0  # of a PING's round trip
DATABASE_SLOW_MS = 50.0  # of SELECT 1
PINGS = 5  # the shortest counts: the process may be busy during a ping, and the first may have to connect
PINGS_WITHIN_MS = 150.0
NEARLY_FULL = 0.9  # of a limit
HARMLESS = ("volatile-lru", "volatile-lfu")  # drop only cached answers and ended logs, which nothing needs
KEEPS_ALL = "noeviction"
POSTGRESQL = """
SELECT pg_database_size(current_database()),
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
       current_setting('max_connections')::int
"""


@dataclass(frozen=True)
class RedisStats:
    ping_ms: float
    info: Mapping[str, Any]

    @property
    def is_append_only(self) -> bool:
        return bool(self.info.get("aof_enabled"))

    @property
    def since(self) -> datetime:
        """When Redis was started."""
        return site_time.now() - timedelta(seconds=self.info.get("uptime_in_seconds", 0))

    @property
    def version(self) -> str:
        return str(self.info["redis_version"])

    @property
    def memory_share(self) -> float | None:
        """Memory in use as a share of maxmemory; None without a limit."""
        limit = self.info.get("maxmemory", 0)
        return self.info["used_memory"] / limit if limit else None

    @property
    def problems(self) -> list[str]:
        slow = f"Redis is slow: a ping takes {self.ping_ms:.0f} ms, and every token waits for it."
        return [slow, *self.warnings] if self.ping_ms >= REDIS_SLOW_MS else self.warnings

    @property
    def warnings(self) -> list[str]:
        """Further problems, present or imminent."""
        info, policy = self.info, self.info.get("maxmemory_policy", KEEPS_ALL)
        statuses = (info.get(name, "ok") for name in ("aof_last_write_status", "rdb_last_bgsave_status"))
        found = {
            f"Redis may drop what running answers need: its maxmemory-policy is {policy}. Make it volatile-lru.": (
                bool(info.get("maxmemory")) and policy not in (KEEPS_ALL, *HARMLESS)
            ),
            "Redis has nearly reached its memory limit: raise maxmemory.": (
                policy == KEEPS_ALL and (self.memory_share or 0) > NEARLY_FULL
            ),
            "Redis has nearly reached its limit of clients: raise its maxclients.": (
                info["connected_clients"] > NEARLY_FULL * info.get("maxclients", float("inf"))
            ),
            "Redis has no append-only file: a crash loses up to two seconds of running answers. Set appendonly yes.": (
                not info.get("aof_enabled", True)
            ),
            "Redis cannot write its files: see its log, and the disk.": any(status != "ok" for status in statuses),
            "This Redis is a replica, which takes no writes: REDIS_URL must name the master.": (
                info.get("role") == "slave"
            ),
        }
        return [sentence for sentence, holds in found.items() if holds]


@dataclass(frozen=True)
class DatabaseStats:
    name: str
    version: str
    query_ms: float
    size: int | None  # bytes; None: unknown
    connections: int | None = None  # None: not PostgreSQL
    most_connections: int | None = None

    @property
    def problems(self) -> list[str]:
        slow = f"The database is slow: the simplest query takes {self.query_ms:.0f} ms."
        return [slow, *self.warnings] if self.query_ms >= DATABASE_SLOW_MS else self.warnings

    @property
    def warnings(self) -> list[str]:
        """Further problems, present or imminent."""
        most = self.most_connections
        if not (self.connections and most and self.connections > NEARLY_FULL * most):
            return []
        return [f"The database has {self.connections} of {most} connections: raise its max_connections."]


def redis_stats(redis: Redis) -> RedisStats:
    """Raises RedisError, OSError."""
    info: Any = redis.info()
    return RedisStats(shortest_ms(redis.ping), info)


def database_stats() -> DatabaseStats:
    """Up to five of the simplest queries, and one for PostgreSQL's stats. Raises DatabaseError."""
    with connection.cursor() as cursor:
        took_ms = shortest_ms(lambda: cursor.execute("SELECT 1"))
        name, version = connection.display_name, ".".join(map(str, connection.get_database_version()))
        if connection.vendor != "postgresql":
            return DatabaseStats(name, version, took_ms, size_of_files())
        cursor.execute(POSTGRESQL)
        return DatabaseStats(name, version, took_ms, *cursor.fetchone())


def shortest_ms(ping: Callable[[], object]) -> float:
    """The shortest of up to PINGS round trips."""
    took: list[float] = []
    while len(took) < PINGS and sum(took) < PINGS_WITHIN_MS:
        begun = time.perf_counter()
        ping()
        took.append(1000 * (time.perf_counter() - begun))
    return min(took)


def size_of_files() -> int | None:
    """SQLite's database file and its write-ahead log."""
    path = Path(str(connection.settings_dict["NAME"]))
    files = [file for file in (path, path.with_name(f"{path.name}-wal")) if file.is_file()]
    return sum(file.stat().st_size for file in files) if files else None
