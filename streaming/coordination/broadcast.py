"""Broadcasts changes of conversations to pages and workers, from any process.

A thread with an event loop of its own sends them: whoever commits must not wait for Redis, and has no loop or another.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading

from redis.asyncio import Redis
from redis.exceptions import RedisError

from conversations import events
from conversations.events import AccountClosed, Change, ConversationsChanged, Event, StopRequested
from streaming.log.stream_log import key_of

from . import answer_queue, dispatch, erasure
from .channel_layer import send_to_group, user_group
from .redis_clients import command_client
from .stop_signal import announce_stop

logger = logging.getLogger(__name__)

SEND_TIMEOUT_S = 5.0
WAITING_AT_MOST = 10_000  # events, while Redis is unavailable; pages that miss one read the database again
LEAVE_TIMEOUT_S = 2.0  # to send what still waits when the process ends
NAMED_AT_ONCE = 500  # conversations in one message


class Broadcaster:
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._waiting: asyncio.Queue[Event] = asyncio.Queue(WAITING_AT_MOST)
        self._stops: asyncio.Queue[Event] = asyncio.Queue(WAITING_AT_MOST)  # apart, so that stops wait for nothing else
        self._redis: Redis = command_client()
        self._cleaner = erasure.Cleaner()
        self._thread = threading.Thread(target=self._run, name="broadcast", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    # From any thread

    def send(self, event: Event) -> None:
        """Returns at once."""
        self._loop.call_soon_threadsafe(self._enqueue, event)

    def close(self) -> None:
        """Send the waiting events, then end the thread."""
        atexit.unregister(self.close)
        self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._end()))
        self._thread.join(LEAVE_TIMEOUT_S + 1)
        self._cleaner.close(LEAVE_TIMEOUT_S)

    # In the broadcaster's thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._sending = [self._loop.create_task(self._send_all(queue)) for queue in (self._stops, self._waiting)]
        self._loop.run_forever()
        self._loop.close()

    def _enqueue(self, event: Event) -> None:
        try:
            (self._stops if isinstance(event, StopRequested) else self._waiting).put_nowait(event)
        except asyncio.QueueFull:
            logger.warning("event %s is not broadcast: too many are waiting for Redis", type(event).__name__)

    async def _send_all(self, queue: asyncio.Queue[Event]) -> None:
        while True:
            event = await queue.get()
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self._send(event)
            except (RedisError, OSError) as error:  # a timeout is one
                logger.warning("%s was not broadcast: %s", type(event).__name__, error)
            except Exception:  # a bug; later events are still sent
                logger.exception("%s was not broadcast", type(event).__name__)
            queue.task_done()

    async def _send(self, event: Event) -> None:
        match event:
            case StopRequested(has_ended=False):
                await announce_stop(self._redis, event.generation)
            case StopRequested():
                await answer_queue.withdraw(self._redis, event.owner, event.generation)
                await send_to_group(user_group(event.owner), "answer.ended", generation=str(event.generation))
            case AccountClosed():
                dispatch.wake_worker(dispatch.LEAVE)  # in this thread: a process that ends cannot start another
            case ConversationsChanged():
                await self._send_changed(event)

    async def _send_changed(self, event: ConversationsChanged) -> None:
        ids = event.conversations
        if event.change is Change.ERASED:
            if event.generations:
                await self._redis.unlink(*map(key_of, event.generations))
            self._cleaner.request(event.owner)
        for first in range(0, len(ids), NAMED_AT_ONCE):
            await send_to_group(
                user_group(event.owner),
                "conversations.changed",
                change=event.change.value,
                conversations=[str(pk) for pk in ids[first : first + NAMED_AT_ONCE]],
                title=event.title,
                request=str(event.request or ""),
            )

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                await self._stops.join()
                await self._waiting.join()
        except TimeoutError:
            logger.warning("%d events were not broadcast before shutdown", self._waiting.qsize())
        for sending in self._sending:
            sending.cancel()
        # Let the loop run their cancellation before it stops.
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._redis.aclose()
        self._loop.stop()


_broadcaster: Broadcaster | None = None
_making = threading.Lock()


def broadcast(event: Event) -> None:
    """Send by this process's broadcaster, which the first call creates."""
    global _broadcaster
    with _making:
        if _broadcaster is None:
            _broadcaster = Broadcaster()
    _broadcaster.send(event)


def listen() -> None:
    events.register(broadcast)
