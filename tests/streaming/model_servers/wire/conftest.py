"""A desk where people ask a model server that answers oddly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from streaming.cache.answers import Reuse
from streaming.cache.response_cache import ResponseCache
from streaming.log.writer import LogWriter
from streaming.model_servers.pool import ModelServers
from streaming.model_servers.queue_lengths import Queues
from streaming.model_servers.vllm.client import http_client
from streaming.planning.tiers import plain
from streaming.worker.stage.queue_position import WaitingRequests
from tests.harness.odd import OddServer, serving
from tests.streaming.cache.conftest import Desk


@pytest.fixture
async def odd() -> AsyncIterator[OddServer]:
    async with serving() as server:
        yield server


@pytest.fixture
async def desk(odd: OddServer, redis: Redis, writer: LogWriter) -> AsyncIterator[Desk]:
    tier = plain(f"tier-{uuid4().hex}", 0, "odd", [odd.url])
    async with http_client() as http:
        waiting = WaitingRequests(Queues(redis, http))
        desk = Desk([], ModelServers(http, [tier]), writer, Reuse(http, ResponseCache(redis)), tier, waiting)
        yield desk
        await desk.settled()
        for handle in desk.handles:  # the writer may be cancelled then
            await handle.flush()
