"""The state of the whole site at one moment, in plain numbers: the input of the score and the diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streaming.operations.measurements.live import ServerState
from streaming.operations.measurements.paces import Pace
from streaming.telemetry.heartbeats import State, WorkerState
from streaming.telemetry.watchdog import Replaced

from .process_checks import differences_of, strains_of

NEARLY_ALL = 0.8  # places that are free for a second, until the next dispatch, count as taken


@dataclass(frozen=True, kw_only=True)
class SiteSnapshot:
    redis_ms: float | None  # of a round trip; None: Redis is down, and workers, servers and sockets are unknown
    database_ms: float = 0.0
    store_warnings: Sequence[str] = ()  # of Redis and the database, in sentences
    processes: Sequence[State] = ()  # with a live heartbeat
    replaced: Sequence[Replaced] = ()  # lately, because their event loops were blocked
    beats: int = 0
    backgrounds: int = 0
    workers: int = 0
    attempts: int = 0  # running, as workers report
    room: int = 0  # attempts, of all workers together
    queued: int = 0
    oldest_queued_s: float = 0.0
    stuck: int = 0
    servers: Sequence[ServerState] = ()
    paces: Sequence[Pace] = ()
    sockets: int = 0
    waiting: int = 0  # of these, sockets whose pages do not read
    failed_percent: float | None = None  # None, also in fast_percent: nothing ended lately
    top_error: str = ""  # the most frequent error of the same period
    fast_percent: float | None = None  # share of answers with a TTFT of at most a second
    budget_percent: float | None = None  # of the site's daily limit; None: no limit

    @property
    def up(self) -> int:
        """Servers that get requests: neither down nor drained."""
        return sum(server.is_up and not server.drained for server in self.servers)

    @property
    def strained(self) -> list[State]:
        """Processes that have more to do than they can."""
        return [state for state in self.processes if any(strains_of(state))]

    @property
    def differing(self) -> list[State]:
        """Processes that run other versions than this one."""
        return [state for state in self.processes if any(differences_of(state))]

    @property
    def is_full(self) -> bool:
        """Questions wait for a place in a worker."""
        return bool(self.queued and self.room) and self.attempts >= NEARLY_ALL * self.room

    @property
    def is_saturated(self) -> bool:
        """Workers can take no more: most run out of CPU long before they run out of places."""
        return self.is_full or any(isinstance(state, WorkerState) for state in self.strained)

    @property
    def shut_percent(self) -> float:
        """Share of breakers that are not closed, of servers that are up."""
        states = [state for server in self.servers if server.is_up for state in server.breakers]
        return 100 * sum(state != "closed" for state in states) / len(states) if states else 0.0
