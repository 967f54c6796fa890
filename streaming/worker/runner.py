"""One event loop per worker process runs all its generations; Celery's threads only wait for them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import Error
from redis.asyncio import Redis
from redis.exceptions import RedisError

from conversations.models.generation import Status
from conversations.models.partial import save_partials
from streaming import control, counters, presence
from streaming.database import in_database
from streaming.drains import drained_names
from streaming.hints import hint, user_group
from streaming.leases import Leases
from streaming.log.writer import LogWriter
from streaming.model_servers import ModelServers
from streaming.redis_clients import Connections, command_client
from streaming.reuse.answers import Reuse
from streaming.reuse.kept import KeptAnswers
from streaming.vitals import Pulse
from streaming.vllm.client import http_client
from streaming.warming import Warmer

from .attempt import Attempt
from .line import Line
from .queues import Queues
from .tools import Interruption, Tools

logger = logging.getLogger(__name__)
T = TypeVar("T")

SAVE_TURNS = 16  # in which all partial texts are saved
HAND_OVER_S = 8.0  # at most, when the process is told to end


class Runner:
    """What a worker process is running. Everything but ``run_blocking`` and ``hand_over_blocking`` is the loop's."""

    def __init__(self) -> None:
        self.process = presence.this_process()
        self.attempts: dict[UUID, Attempt] = {}
        self._draining = False
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._run_loop, args=(ready,), name="runner", daemon=True).start()
        ready.wait()

    # From Celery's threads

    def run_blocking(self, generation_id: UUID, dispatched_at: datetime | None = None) -> Status | None:
        """Run a generation to its end, in the loop; None if another process has it."""
        return asyncio.run_coroutine_threadsafe(self._run(generation_id, dispatched_at), self._loop).result()

    def await_blocking(self, work: Callable[[ModelServers], Coroutine[Any, Any, T]]) -> T:
        """Something else that wants the model servers, in the loop."""
        return asyncio.run_coroutine_threadsafe(work(self._tools.servers), self._loop).result()

    def warm_likely_blocking(self) -> None:
        """See Warmer."""
        asyncio.run_coroutine_threadsafe(self._warmer.warm_likely(), self._loop).result()

    def hand_over_blocking(self) -> list[UUID]:
        """End all attempts where they are; returns the generations that another process must take."""
        return asyncio.run_coroutine_threadsafe(self._hand_over(), self._loop).result()

    # In the loop

    def _run_loop(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        ready.set()
        self._loop.run_forever()

    async def _open(self) -> None:
        redis: Redis = command_client()
        connections = Connections()
        writer = LogWriter(command_client(connections), connections)
        self._leases = Leases(redis, self.process)
        servers = ModelServers(http_client())
        line = Line(Queues(redis, servers.http))
        self._tools = Tools(redis, writer, servers, Reuse(servers.http, KeptAnswers(redis)), line, self.process)
        self._warmer = Warmer(redis, servers)
        self._pulse = Pulse()
        await self._hear_of_drains()
        await self._exchange_capabilities()
        await self._tell()
        self._tasks = [
            asyncio.create_task(writer.run(), name="log writer"),
            asyncio.create_task(self._renew_leases(), name="leases"),
            asyncio.create_task(self._save_partials(), name="partial saves"),
            asyncio.create_task(control.listen(self._stop), name="control"),
            asyncio.create_task(self._tools.servers.look_after(), name="model servers"),
            asyncio.create_task(self._pulse.watch_loop(), name="pulse"),
            asyncio.create_task(line.run(), name="line"),
        ]
        if settings.WARM_MODELS:
            self._tasks.append(asyncio.create_task(self._warmer.run(), name="warming"))
        for task in self._tasks:
            task.add_done_callback(die_with)

    async def _run(self, generation_id: UUID, dispatched_at: datetime | None) -> Status | None:
        if self._draining or generation_id in self.attempts:
            return None
        if not await self._leases.acquire(generation_id):
            return None
        attempt = self.attempts[generation_id] = Attempt(generation_id, self._tools, dispatched_at)
        try:
            status = await attempt.run()
        finally:
            del self.attempts[generation_id]
            await self._release(generation_id)
        if status and attempt.generation:
            owner_id = attempt.generation.message.conversation.owner_id
            await hint(user_group(owner_id), "sidebar.changed")  # it is no longer being written
        return status

    async def _release(self, generation_id: UUID) -> None:
        try:
            await self._leases.release([generation_id])
        except (RedisError, OSError) as error:
            logger.warning("lease of generation %s expires by itself: %s", generation_id, error)

    async def _stop(self, generation_id: UUID) -> None:
        if attempt := self.attempts.get(generation_id):
            await attempt.interrupt(Interruption.STOP)

    async def _hand_over(self) -> list[UUID]:
        self._draining = True
        left = list(self.attempts)
        await asyncio.gather(*(a.interrupt(Interruption.HAND_OVER) for a in self.attempts.values()))
        try:
            async with asyncio.timeout(HAND_OVER_S):
                while self.attempts:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            logger.error("%d generations are left to the sweeper", len(self.attempts))
        await self._tell(ended=True)
        return left

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(settings.LEASE_RENEWAL_S)
            try:
                lost = await self._leases.renew(list(self.attempts))
            except (RedisError, OSError) as error:
                logger.warning("leases were not renewed: %s", error)
                continue
            if not self._draining:
                await self._hear_of_drains()
                await self._exchange_capabilities()
                await self._tell()
            for generation_id in lost:
                if attempt := self.attempts.get(generation_id):
                    await attempt.interrupt(Interruption.LOST)

    async def _tell(self, *, ended: bool = False) -> None:
        """What operators see of this process."""
        servers = self._tools.servers
        more = {
            "requests": servers.requests(),
            "drained": sorted(servers.drained),
            "limit": settings.GENERATIONS_PER_WORKER,
            "queues": sorted(current_app.amqp.queues.consume_from),
            "vitals": self._pulse.take(),
            "ended": ended,
        }
        try:
            await presence.tell_worker(self._tools.redis, self.process, len(self.attempts), servers.states(), **more)
            await counters.tell(self._tools.redis)
        except (RedisError, OSError) as error:
            logger.warning("the state of this worker was not told: %s", error)

    async def _hear_of_drains(self) -> None:
        """Without Redis, what was heard last holds."""
        try:
            self._tools.servers.drained = await drained_names(self._tools.redis)
        except (RedisError, OSError) as error:
            logger.warning("which model servers are drained is not known: %s", error)

    async def _exchange_capabilities(self) -> None:
        try:
            await self._tools.servers.capabilities.exchange(self._tools.redis)
        except (RedisError, OSError) as error:
            logger.warning("what model servers can do was not told: %s", error)

    async def _save_partials(self) -> None:
        """Each answer once in PARTIAL_SAVE_S, a few at a time: all at once, they would hold up everybody's tokens."""
        for turn in itertools.cycle(range(SAVE_TURNS)):
            await asyncio.sleep(settings.PARTIAL_SAVE_S / SAVE_TURNS)
            due = [a for pk, a in self.attempts.items() if a.handle and pk.int % SAVE_TURNS == turn]
            if due:
                await self._save(due)

    async def _save(self, attempts: list[Attempt]) -> None:
        try:
            verdicts = await in_database(save_partials, [attempt.partial() for attempt in attempts])
        except Error as error:
            logger.warning("partial texts were not saved: %s", error)
            return
        for generation_id, verdict in verdicts.items():
            if attempt := self.attempts.get(generation_id):
                await attempt.heed(verdict)


def die_with(task: asyncio.Task[None]) -> None:
    """A process without one of these tasks only looks alive: end it, so that it is restarted and others take over."""
    if not task.cancelled():
        logger.critical("task %r ended", task.get_name(), exc_info=task.exception())
        os._exit(70)  # EX_SOFTWARE


_runner: Runner | None = None
_making = threading.Lock()


def runner() -> Runner:
    """This process's runner, made at its first use."""
    global _runner
    with _making:
        if _runner is None:
            _runner = Runner()
        return _runner
