"""One event loop per worker process runs all its generations; Celery's threads only wait for them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import Error
from redis.asyncio import Redis
from redis.exceptions import RedisError

from conversations.models.generation.generation import Status
from conversations.models.generation.partial import save_partials
from streaming.cache.answers import Reuse
from streaming.cache.response_cache import ResponseCache
from streaming.coordination import dispatch, redis_clock, stop_signal
from streaming.coordination.answer_queue import AnswerQueue, Taken
from streaming.coordination.channel_layer import send_to_group, user_group
from streaming.coordination.database import in_database
from streaming.coordination.leases import Leases
from streaming.coordination.redis_clients import Connections, command_client
from streaming.log.writer import LogWriter
from streaming.model_servers.drains import drained_servers
from streaming.model_servers.pool import ModelServers
from streaming.model_servers.queue_lengths import Queues
from streaming.model_servers.vllm.client import http_client
from streaming.telemetry import correlation, counters, heartbeats
from streaming.telemetry.process_stats import EventLoopMonitor

from .attempt import Answer, Attempt, Interruption, WorkerContext
from .stage.queue_position import WaitingRequests
from .warm_up import Warmer

logger = logging.getLogger(__name__)
T = TypeVar("T")

SAVE_TURNS = 16  # all partial texts are saved once in so many turns
HAND_OVER_S = 8.0  # at most
LEAVE_S = 1.0  # for the last heartbeat


@dataclass(frozen=True)
class Ran:
    """A generation that was taken from the queue and run."""

    generation: UUID
    status: Status | None  # None: this process did not end it


class Runner:
    """What a worker process is running. Only the methods for other threads may be called outside its event loop."""

    def __init__(self) -> None:
        self.process = heartbeats.this_process()
        self.attempts: dict[UUID, Attempt] = {}
        self._draining = False
        self._side_tasks: set[asyncio.Task[Any]] = set()  # work other than answers
        self._handed_over = threading.Event()
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._run_loop, args=(ready,), name="runner", daemon=True).start()
        ready.wait()

    # From Celery's threads

    def run_next_blocking(self) -> Ran | None:
        """Takes the queue's next generation and runs it to its end; None if there is none."""
        return asyncio.run_coroutine_threadsafe(self._run_next(), self._loop).result()

    def await_blocking(self, work: Callable[[ModelServers], Coroutine[Any, Any, T]]) -> T:
        """Runs other work that needs the model servers in the loop. Raises CancelledError when the process ends."""
        return self._await_side_task(lambda: work(self._context.servers))

    def warm_likely_blocking(self) -> None:
        """See Warmer.warm_likely."""
        self._await_side_task(lambda: self._warmer.warm_likely())

    def _await_side_task(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return asyncio.run_coroutine_threadsafe(self._run_side_task(work), self._loop).result()

    # From the main thread

    def hand_over_soon(self) -> None:
        """Starts the hand-over. Safe in signal handlers: takes no lock, does not wait."""
        self._loop.call_soon_threadsafe(self._begin_hand_over)

    def wait_for_hand_over(self) -> None:
        # The process may end without a signal.
        self.hand_over_soon()
        self._handed_over.wait(HAND_OVER_S + LEAVE_S)

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
        self._queue = AnswerQueue(redis, self.process)
        servers = ModelServers(http_client())
        waiting = WaitingRequests(Queues(redis, servers.http))
        self._context = WorkerContext(
            redis, writer, servers, Reuse(servers.http, ResponseCache(redis)), waiting, self.process
        )
        self._warmer = Warmer(redis, servers)
        self._loop_monitor = EventLoopMonitor()
        await self._exchange_knowledge()
        await self._publish_heartbeat()
        self._tasks = [
            asyncio.create_task(writer.run(), name="log writer"),
            asyncio.create_task(self._renew_leases(), name="leases"),
            asyncio.create_task(self._save_partials(), name="partial saves"),
            asyncio.create_task(stop_signal.listen(self._stop), name="stop signals"),
            asyncio.create_task(self._context.servers.look_after(), name="model servers"),
            asyncio.create_task(self._loop_monitor.watch_loop(), name="event loop monitor"),
            asyncio.create_task(waiting.run(), name="queue positions"),
        ]
        if settings.WARM_MODELS:
            self._tasks.append(asyncio.create_task(self._warmer.run(), name="warming"))
        for task in self._tasks:
            task.add_done_callback(die_with)

    async def _run_next(self) -> Ran | None:
        if self._draining:
            return None
        try:
            taken = await self._queue.take()
        except (RedisError, OSError) as error:
            logger.warning("dequeuing failed: %s", error)
            return None
        if taken is None:
            return None
        # Redis had lost the lease of a generation that this process still runs; taking it restored the lease.
        if taken.generation in self.attempts:
            return Ran(taken.generation, None)
        with correlation.about(generation=taken.generation):
            return Ran(taken.generation, await self._run(taken))

    async def _run(self, taken: Taken) -> Status | None:
        attempt = self.attempts[taken.generation] = Attempt(taken.generation, self._context, taken.dispatched_at)
        if self._draining:  # may have begun during the take
            await attempt.interrupt(Interruption.HAND_OVER)
        try:
            status = await attempt.run()
        finally:
            del self.attempts[taken.generation]
            await self._release(taken)
        if attempt.interruption is Interruption.HAND_OVER and status is None and attempt.answer:
            await asyncio.to_thread(partial(dispatch.dispatch, is_resuming=True), attempt.answer.generation)
        elif status:
            await send_to_group(user_group(taken.user), "sidebar.changed")  # no longer being written
        return status

    async def _release(self, taken: Taken) -> None:
        try:
            await self._queue.release(taken)
        except (RedisError, OSError) as error:
            logger.warning("lease of generation %s was not released: %s", taken.generation, error)

    async def _run_side_task(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Calls ``work`` only here: if refused, its coroutine was never created."""
        if self._draining:
            raise asyncio.CancelledError
        task = asyncio.create_task(work())
        self._side_tasks.add(task)
        task.add_done_callback(self._side_tasks.discard)
        return await task

    async def _stop(self, generation_id: UUID) -> None:
        if attempt := self.attempts.get(generation_id):
            await attempt.interrupt(Interruption.STOP)

    def _begin_hand_over(self) -> None:
        if not self._draining:
            self._draining = True
            self._tasks.append(asyncio.create_task(self._hand_over(), name="hand-over"))

    async def _hand_over(self) -> None:
        """Interrupts all attempts where they are; other processes continue them."""
        logger.info("shutting down; handing over %d answers", len(self.attempts))
        for task in self._side_tasks:
            task.cancel()
        try:
            async with asyncio.timeout(HAND_OVER_S):
                await asyncio.gather(*(a.interrupt(Interruption.HAND_OVER) for a in self.attempts.values()))
                while self.attempts:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            logger.error("%d generations are left to the sweeper", len(self.attempts))
        await self._publish_heartbeat(ended=True)
        self._handed_over.set()

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(settings.LEASE_RENEWAL_S)
            try:
                lost = await self._leases.renew(list(self.attempts))
            except (RedisError, OSError) as error:
                logger.warning("leases were not renewed: %s", error)
                continue
            if not self._draining:
                await self._exchange_knowledge()
                await self._publish_heartbeat()
            for generation_id in lost:
                if attempt := self.attempts.get(generation_id):
                    await attempt.interrupt(Interruption.LOST)

    async def _publish_heartbeat(self, *, ended: bool = False) -> None:
        """Publishes this process's state for operators."""
        servers, common = self._context.servers, {"stats": self._loop_monitor.take(), "ended": ended}
        queues = sorted(current_app.amqp.queues.consume_from)
        more = {
            "requests": servers.requests(),
            "drained": sorted(servers.drained),
            "limit": settings.GENERATIONS_PER_WORKER,
            "queues": queues,
            **common,
        }
        try:
            await redis_clock.compare(self._context.redis)
            if dispatch.QUEUE in queues:
                states = servers.states()
                await heartbeats.publish_worker(self._context.redis, self.process, len(self.attempts), states, **more)
            else:
                await heartbeats.publish_background(self._context.redis, self.process, **common)
            await counters.publish(self._context.redis)
        except (RedisError, OSError) as error:
            logger.warning("the state of this worker was not published: %s", error)

    async def _exchange_knowledge(self) -> None:
        """Reads drains and exchanges capabilities with other processes. Without Redis, the last known ones apply."""
        servers = self._context.servers
        try:
            servers.drained = await drained_servers(self._context.redis)
            await servers.capabilities.exchange(self._context.redis)
        except (RedisError, OSError) as error:
            logger.warning("drains and capabilities of model servers were not exchanged: %s", error)

    async def _save_partials(self) -> None:
        """Saves each answer once in PARTIAL_SAVE_S, a few at a time: all at once would delay everybody's tokens."""
        for turn in itertools.cycle(range(SAVE_TURNS)):
            await asyncio.sleep(settings.PARTIAL_SAVE_S / SAVE_TURNS)
            due = [a.answer for pk, a in self.attempts.items() if a.answer and pk.int % SAVE_TURNS == turn]
            if due:
                await self._save(due)

    async def _save(self, answers: list[Answer]) -> None:
        try:
            verdicts = await in_database(save_partials, [answer.partial() for answer in answers])
        except Error as error:
            logger.warning("partial texts were not saved: %s", error)
            return
        for generation_id, verdict in verdicts.items():
            if attempt := self.attempts.get(generation_id):
                await attempt.obey(verdict)


def die_with(task: asyncio.Task[None]) -> None:
    """Ends the process: without one of these tasks it only looks alive. It is restarted, and others take over."""
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
