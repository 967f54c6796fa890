"""Which processes are up, their stats and their problems."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from redis import Redis

from streaming.coordination.redis_clients import command_client
from streaming.operations.measurements import stores
from streaming.operations.pages import processes
from streaming.telemetry import heartbeats
from streaming.telemetry.heartbeats import BeatState, WorkerState
from streaming.telemetry.process_stats import EventLoopMonitor, Lag, ProcessStats, versions

Tell = Callable[..., Awaitable[None]]
MIB = 1024 * 1024


def process_stats(**fields: Any) -> ProcessStats:
    well = {"versions": versions(), "cpu": 0.25, "rss": 90 * MIB, "lag": Lag(1.5, 4.0)}
    return ProcessStats(started_at=datetime.now(UTC) - timedelta(hours=2), **(well | fields))


async def tell(**fields: Any) -> None:
    """A worker does."""
    redis = command_client()
    more = {"limit": 256, "queues": ["default", "generations"], "stats": process_stats()} | fields
    await heartbeats.publish_worker(redis, "host:1", more.pop("running", 7), {}, **more)
    await redis.aclose()


def text_of(client: Client) -> str:
    return " ".join(client.get("/ops/processes/").content.decode().split())


async def test_each_process_tells_how_it_fares(store: Redis) -> None:
    pulse = EventLoopMonitor()
    pulse.woke(0.004)
    heartbeats.publish_beat(store, pulse.take())
    await tell()

    beat, worker = heartbeats.living(store, BeatState)[0], heartbeats.living(store, WorkerState)[0]

    assert beat.stats and beat.stats.rss > MIB and beat.stats.lag == Lag(4.0, 4.0)
    assert beat.stats.started_at < datetime.now(UTC) and beat.stats.versions["Python"]
    assert (worker.running, worker.limit, worker.queues) == (7, 256, ["default", "generations"])


@pytest.fixture
async def beat(store: Redis) -> None:
    """And what it sends its tasks to."""
    heartbeats.publish_beat(store, process_stats())
    redis = command_client()
    await heartbeats.publish_background(redis, "host:3", stats=process_stats())
    await redis.aclose()


@pytest.fixture
async def well() -> None:
    await tell()


@pytest.fixture
async def full() -> None:
    await tell(running=256)


@pytest.fixture
async def late() -> None:
    await tell(stats=process_stats(lag=Lag(320.0, 900.0), cpu=0.97))


@pytest.fixture
async def older() -> None:
    await tell(stats=process_stats(versions=versions() | {"Django": "1.0"}))


def test_processes_that_are_well_are_no_trouble(operator: Client, beat: None, well: None) -> None:
    page = text_of(operator)

    assert "notice" not in page and "degraded" not in page
    for words in ("<strong>Worker</strong> host:1", "of 256", "default, generations", "90.0 MB", "Last sweep sent"):
        assert words in page.replace("\xa0", " ")


def test_redis_and_the_database_tell_of_themselves(operator: Client) -> None:
    page = text_of(operator)

    for words in ("<dt>Ping</dt>", "<dt>Commands</dt>", "<dt>Evicted keys</dt>", "<dt>Simplest query</dt>"):
        assert words in page


def test_a_worker_that_runs_all_that_it_may_is_named(operator: Client, beat: None, full: None) -> None:
    assert "Worker host:1: it runs all 256 answers that it may" in text_of(operator)


def test_a_process_whose_loop_wakes_late_is_named(operator: Client, beat: None, late: None) -> None:
    page = text_of(operator)

    assert "Worker host:1: it wakes 320 ms late (p95)" in page and "it keeps 1.0 cores busy" in page


def test_another_version_beside_this_one_is_named(operator: Client, beat: None, older: None) -> None:
    assert "Worker host:1: it runs Django 1.0, other than" in text_of(operator)


def test_who_is_missing_is_named(operator: Client) -> None:
    page = text_of(operator)

    assert "No worker is up" in page and "No beat is up" in page


def test_a_process_that_fell_silent_is_shown_as_gone(operator: Client, well: None, store: Redis) -> None:
    store.delete(heartbeats.key_of("WorkerState", "host:1"))

    page = text_of(operator)

    assert "down</span> <strong>Worker</strong> host:1" in page and "not heard from since" in page


@pytest.fixture
async def told_to_end() -> None:
    await tell()
    await tell(ended=True)


def test_a_process_that_was_told_to_end_is_not_missed(operator: Client, told_to_end: None) -> None:
    page = text_of(operator)

    assert "ended</span> <strong>Worker</strong> host:1" in page and "shut down in order" in page


def test_after_some_minutes_the_gone_are_not_shown_any_more(operator: Client, store: Redis) -> None:
    remember(store, "shown:1", timedelta(minutes=9))
    remember(store, "hidden:1", timedelta(minutes=11))
    remember(store, "forgotten:1", timedelta(minutes=61))

    page = text_of(operator)

    assert "shown:1" in page and "hidden:1" not in page and "forgotten:1" not in page


def test_whoever_tells_forgets_those_that_are_long_gone(store: Redis) -> None:
    remember(store, "old:1", timedelta(minutes=61))
    remember(store, "new:1", timedelta(minutes=59))

    heartbeats.publish_beat(store, process_stats())

    beat = f"BeatState:{heartbeats.this_process()}".encode()
    assert set(store.zrange(heartbeats.HEARD, 0, -1)) == {b"WorkerState:new:1", beat}


def remember(store: Redis, process: str, ago: timedelta) -> None:
    """A worker that told last so long ago, and has been silent since."""
    state = WorkerState(process=process, told_at=datetime.now(UTC) - ago, running=0)
    with store.pipeline() as pipeline:
        heartbeats.put(pipeline, state)
        pipeline.execute()
    store.delete(heartbeats.key_of("WorkerState", process))


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"maxmemory": 2**40, "maxmemory_policy": "allkeys-lru"}, "its maxmemory-policy is allkeys-lru"),
        ({"maxmemory": 2**40, "maxmemory_policy": "volatile-ttl"}, "its maxmemory-policy is volatile-ttl"),
        ({"used_memory": 95, "maxmemory": 100}, "nearly reached its memory limit"),
        ({"connected_clients": 99, "maxclients": 100}, "nearly reached its limit of clients"),
        ({"aof_enabled": 0}, "has no append-only file"),
        ({"aof_last_write_status": "err"}, "cannot write its files"),
        ({"role": "slave"}, "is a replica"),
    ],
)
def test_what_redis_lacks_is_said(store: Redis, told: dict[str, Any], sentence: str) -> None:
    figures = stores.redis_stats(store)
    assert figures.problems == []

    assert sentence in stores.RedisStats(1.0, {**figures.info, **told}).problems[0]


@pytest.mark.parametrize(
    "told",
    [
        {"maxmemory": 100, "used_memory": 100, "evicted_keys": 3_000, "maxmemory_policy": "volatile-lru"},
        {"maxmemory": 0, "maxmemory_policy": "allkeys-lru"},
    ],
)
def test_a_redis_that_drops_what_may_go_is_well(store: Redis, told: dict[str, Any]) -> None:
    figures = stores.redis_stats(store)

    assert stores.RedisStats(1.0, {**figures.info, **told}).problems == []


def test_slow_stores_are_named(store: Redis) -> None:
    slow = stores.RedisStats(20.0, stores.redis_stats(store).info)
    database = stores.DatabaseStats("SQLite", "3", 50.0, None, 95, 100)

    assert "Redis is slow: a ping takes 20 ms" in slow.problems[0]
    assert [sentence.partition(":")[0] for sentence in database.problems] == [
        "The database is slow",
        "The database has 95 of 100 connections",
    ]


def test_the_page_is_readable_without_redis(operator: Client, no_redis: None) -> None:
    page = text_of(operator)

    assert "Redis does not answer." in page and "Unknown, without Redis." in page and "No worker is up" not in page
    assert processes.processes_now().redis is None


def test_one_busy_second_is_no_full_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0, worked=0.0)
    moments = SimpleNamespace(monotonic=lambda: clock.now, process_time=lambda: clock.worked)
    monkeypatch.setattr("streaming.telemetry.process_stats.time", moments)
    pulse, told = EventLoopMonitor(), []

    for second in range(1, 41):
        clock.now, clock.worked = second, clock.worked + (1.0 if second == 20 else 0.1)
        told.append(pulse.take().cpu)

    assert max(told) == pytest.approx(0.16, abs=0.01) and told[-1] == pytest.approx(0.1)


def test_lag_is_told_as_it_was() -> None:
    assert Lag.of([]) is None
    assert Lag.of([0.001] * 19 + [0.5]) == Lag(1.0, 500.0)
