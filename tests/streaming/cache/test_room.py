"""Where every server has as many requests as it may, answers wait in line, and are told where they stand."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from streaming.log import stream_log
from streaming.log.records import PhaseBegan

from .conftest import PATIENCE_S, Asked, Desk


async def until_told(desk: Desk, redis: Redis, asked: Asked, ahead: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await desk.waiting.report()
            log = await stream_log.read(redis, asked.handle.generation_id)
            if PhaseBegan("waiting", ahead=ahead) in [record for _, record in log]:
                return
            await asyncio.sleep(0.01)


async def test_room_goes_to_who_came_first_and_all_know_their_place(desk: Desk, redis: Redis) -> None:
    desk.rule(max_parallel=1)
    busy = [desk.begin(f"[[demo rate=60]] count to {number}") for number in (90, 120)]  # one for each server
    for asked in busy:
        await asked.until_text()

    waiting = [desk.begin(f"[[demo rate=200]] count to {number}") for number in (20, 21, 22, 23)]
    for ahead, asked in enumerate(waiting):
        await until_told(desk, redis, asked, ahead)
    for asked in (*busy, *waiting):
        assert await asked.end() is None

    requested = [asked.runner.columns()["requested_at"] for asked in waiting]
    assert requested == sorted(requested, key=str)
