"""The heart's own fixtures: see harness.py."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from redis.asyncio import Redis

from streaming.chat import open_sockets
from streaming.coordination import database, user_limits
from streaming.coordination.redis_clients import Connections, command_client
from streaming.live import hub as hub_module
from streaming.log.writer import LogWriter

from .harness import Model, Page, Pause, Worker, end


@pytest.fixture
async def owner(transactional_db: None, redis: Redis) -> AsyncIterator[User]:
    """Alice, for tests in which several threads see the database."""
    await redis.flushdb()
    yield await database.in_database(User.objects.create_user, "alice", "alice@example.com", "secret")
    await asyncio.to_thread(close_connections)


@pytest.fixture
async def writer() -> AsyncIterator[LogWriter]:
    connections = Connections()
    client = command_client(connections)
    writer = LogWriter(client, connections)
    running = asyncio.create_task(writer.run())
    yield writer
    await end(running)
    await client.aclose()


def close_connections() -> None:
    """Of all threads that work for coroutines."""
    together = threading.Barrier(database.THREADS)

    def close() -> None:
        together.wait()
        connections.close_all()

    for closing in [database._threads.submit(close) for _ in range(database.THREADS)]:
        closing.result()


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
async def workers(model: Model, owner: User) -> AsyncIterator[Callable[[], Worker]]:
    """As many as are wanted."""
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker(model, f"worker-{len(started) + 1}"))
        return started[-1]

    yield start
    for worker in started:
        await worker.die()


@pytest.fixture
async def worker(workers: Callable[[], Worker]) -> Worker:
    return workers()


@pytest.fixture
async def web(owner: User) -> AsyncIterator[None]:
    """This process serves sockets: what it keeps for them begins, and ends, with the test."""
    settings.STATIC_ROOT.mkdir(exist_ok=True)  # before the application is made
    yield
    for kept in (hub_module._hub, open_sockets._sockets, user_limits._limits):
        await end_kept(kept)
    hub_module._hub, open_sockets._sockets, user_limits._limits = None, None, None
    if layer := get_channel_layer()._layers.pop(asyncio.get_running_loop(), None):
        await layer.flush()


async def end_kept(kept: object | None) -> None:
    """Its tasks, and its connections to Redis."""
    members = [] if kept is None else list(vars(kept).values())  # a hub that watches nothing is false
    members += [task for several in members if isinstance(several, list) for task in several]
    clients = [client for client in members if isinstance(client, Redis)]
    await end(*(task for task in members if isinstance(task, asyncio.Task)))
    for client in clients:
        await client.aclose()


@pytest.fixture
async def pages(web: None, owner: User) -> AsyncIterator[Callable[..., Any]]:
    """``await pages(conversation)``: a page of Alice's that is open."""
    opened: list[Page] = []

    async def open_page(conversation: object = "new", who: User = owner, pause: Pause | None = None) -> Page:
        page = await database.in_database(Page, who, str(conversation), pause)
        opened.append(page)
        await page.open()
        return page

    yield open_page
    for page in opened:
        await page.leave()
