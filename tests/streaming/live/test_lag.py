"""The hub's lag is measured with entries of its own, and only while it reads."""

from __future__ import annotations

from collections import Counter

import pytest
from redis.asyncio import Redis

from streaming.live.delivery import LagProbe
from streaming.log.stream_log import read_plainly
from streaming.telemetry import counters
from streaming.telemetry.counters import HUB_LAG


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    new: Counter[str] = Counter()
    monkeypatch.setattr(counters, "_new", new)
    return new


async def hear(redis: Redis, probe: LagProbe) -> None:
    read_plainly(redis)
    for _, raw in await redis.xread({probe.key: probe.position}):
        probe.record(raw)


async def test_what_is_sent_while_it_reads_is_measured_once(redis: Redis, counted: Counter[str]) -> None:
    probe = LagProbe()
    probe.resume()
    await probe.send(redis)
    await hear(redis, probe)
    await hear(redis, probe)

    assert counters.histogram(HUB_LAG, counted).count == 1 and counted[f"{HUB_LAG}:sum"] > 0


async def test_what_was_sent_before_a_pause_says_nothing(redis: Redis, counted: Counter[str]) -> None:
    probe = LagProbe()
    probe.resume()
    await probe.send(redis)
    probe.pause()
    probe.resume()
    await hear(redis, probe)

    assert counters.histogram(HUB_LAG, counted).count == 0


async def test_its_log_stays_short_and_does_not_stay_for_ever(redis: Redis) -> None:
    probe = LagProbe()
    for _ in range(3):
        await probe.send(redis)

    assert await redis.xlen(probe.key) == 1
    assert 0 < await redis.ttl(probe.key) <= 60
