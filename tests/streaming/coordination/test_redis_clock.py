"""Moments are stored by one clock, whatever the machine's own says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from conversations import site_time
from streaming.coordination import redis_clock
from streaming.coordination.redis_clients import sync_client
from streaming.operations.health.process_checks import problems_of
from streaming.telemetry import heartbeats
from streaming.telemetry.heartbeats import WorkerState

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TOLD = (int(NOON.timestamp()), 0)
MOMENT = timedelta(milliseconds=2)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    yield
    site_time.set_ahead(timedelta(0))


def test_a_machine_whose_clock_is_right_keeps_its_own(caplog: pytest.LogCaptureFixture) -> None:
    redis_clock.take(NOON, TOLD, NOON + MOMENT)

    assert site_time.ahead() == timedelta(0)
    assert not caplog.records


@pytest.mark.parametrize("shift", [timedelta(seconds=30), timedelta(seconds=-30), timedelta(days=400)])
def test_a_shift_is_taken_off_and_told_once(shift: timedelta, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        redis_clock.take(NOON + shift, TOLD, NOON + shift + MOMENT)

    way = "ahead of" if shift > timedelta(0) else "behind"
    assert abs(site_time.ahead() - shift) < 2 * MOMENT
    assert [record.message for record in caplog.records] == [
        f"this machine's clock is {abs(shift.total_seconds()):.1f} s {way} Redis': set it by NTP"
    ]


def test_a_round_trip_that_took_long_tells_nothing() -> None:
    redis_clock.take(NOON + timedelta(seconds=30), TOLD, NOON + timedelta(seconds=33))

    assert site_time.ahead() == timedelta(0)


async def test_a_worker_thirty_seconds_ahead_stores_the_sites_time(
    redis: AsyncRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(seconds=30))

    await redis_clock.compare(redis)

    assert abs(site_time.now() - real()) < timedelta(seconds=5)
    await heartbeats.publish_worker(redis, "ahead:1", 0, {})
    (state,) = [one for one in heartbeats.living(sync_client(), WorkerState) if one.process == "ahead:1"]
    assert round(state.clock_s) == 30
    assert any("30 s ahead" in trouble for trouble in problems_of(state))


def test_a_process_outside_of_coroutines_finds_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() - timedelta(seconds=30))
    store: Redis = sync_client()

    redis_clock.compare_now(store)

    assert abs(site_time.now() - real()) < timedelta(seconds=5)
