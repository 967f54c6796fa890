"""A process that stands still is noticed, by whoever watches it, and operators are told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from deploy import liveness
from deploy.liveness import Liveness
from streaming.telemetry import heartbeats, watchdog
from streaming.telemetry.process_stats import EventLoopMonitor
from streaming.telemetry.watchdog import Replaced, Watchdog, replaced_since

LIMIT_S = 10.0


class Time:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    moved = Time()
    monkeypatch.setattr(liveness, "time", moved)
    monkeypatch.setattr(watchdog, "time", moved)
    return moved


@pytest.fixture
def watch(tmp_path: Path, time: Time) -> Iterator[Liveness]:
    with closing(Liveness(str(tmp_path / "watch"), LIMIT_S)) as watch:
        yield watch


@pytest.fixture
def process(watch: Liveness) -> Iterator[Watchdog]:
    with closing(Watchdog(watch.address)) as process:
        yield process


def pass_time(time: Time, watch: Liveness, seconds: int) -> dict[int, float]:
    """Second after second, in which the watcher looks."""
    for _ in range(seconds):
        time.now += 1
        found = watch.silent()
    return found


def test_a_process_that_falls_silent_is_found(watch: Liveness, process: Watchdog, time: Time) -> None:
    for _ in range(30):
        process.beat()
        assert pass_time(time, watch, 1) == {}
    assert pass_time(time, watch, int(LIMIT_S)) == {}
    assert list(pass_time(time, watch, 1).values()) == [LIMIT_S + 1]

    process.beat()
    assert pass_time(time, watch, 1) == {}


def test_a_process_whose_loop_ends_in_good_order_is_left_alone(watch: Liveness, time: Time) -> None:
    with closing(Watchdog(watch.address)) as process:
        process.beat()

    assert pass_time(time, watch, 100) == {}


def test_a_process_that_never_told_is_not_watched(watch: Liveness, time: Time) -> None:
    assert pass_time(time, watch, 100) == {}


def test_a_watcher_that_slept_blames_nobody(watch: Liveness, process: Watchdog, time: Time) -> None:
    process.beat()
    watch.silent()

    time.now += 1000

    assert watch.silent() == {}
    assert len(pass_time(time, watch, int(LIMIT_S) + 1)) == 1


def test_a_process_outlives_its_watcher(watch: Liveness, process: Watchdog) -> None:
    Path(watch.address).unlink()

    process.beat()  # raises nothing


def test_nonsense_on_the_socket_is_passed_over(watch: Liveness, time: Time) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        for message in (b"", b"X_PID=", b"X_PID=-1", b"X_PID=" + b"9" * 400, b"\xff\0"):
            other.sendto(message, watch.address)

        assert pass_time(time, watch, 20) == {}


def test_nobody_watches_if_nobody_is_named(time: Time) -> None:
    Watchdog("").beat()  # raises nothing


async def test_it_is_the_event_loop_that_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    told: asyncio.Queue[None] = asyncio.Queue()
    monkeypatch.setattr(Watchdog, "beat", lambda self: told.put_nowait(None))

    task = asyncio.create_task(EventLoopMonitor().watch_loop())
    await asyncio.wait_for(told.get(), 30)
    task.cancel()
    await asyncio.wait([task])


# What operators are told


@pytest.fixture
def store(settings: Settings) -> Iterator[Redis]:
    with Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client


async def tell(redis: AsyncRedis) -> None:
    await heartbeats.publish_web(redis, "host:2", 0, {})


async def test_the_process_in_its_place_tells_once(redis: AsyncRedis, store: Redis, settings: Settings) -> None:
    settings.REPLACED_PROCESS = liveness.describe_replaced("web", 123, 11.04)

    await tell(redis)
    await tell(redis)

    (told,) = replaced_since(store, datetime.now(UTC) - timedelta(minutes=1))
    assert (told.name, told.pid, told.still_s) == ("web", 123, 11.0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", ["/ops/", "/ops/processes/"])
def test_operators_see_it(client: Client, otto: object, store: Redis, settings: Settings, address: str) -> None:
    settings.REPLACED_PROCESS = liveness.describe_replaced("web", 4321, 11.0)
    with store.pipeline() as pipeline:
        watchdog.report_replaced(pipeline)
        pipeline.execute()
    client.force_login(otto)  # type: ignore[arg-type]

    page = client.get(address).content.decode()

    assert "4321" in page and "was blocked for 11 s" in page


def test_what_is_told_is_what_is_read() -> None:
    told = liveness.describe_replaced("worker", 7, 12.34)

    assert watchdog.msgspec.json.decode(told, type=Replaced).still_s == 12.3
