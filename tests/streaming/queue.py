"""A small language for tests of the queue: who waits, and whose turn it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from streaming.coordination import answer_queue
from streaming.coordination.answer_queue import AnswerQueue, Entry, Taken
from streaming.coordination.leases import key_of

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
WAKE_UPS = "throughline:tests:wake-ups"


IS_THERE, EMPTIED = f"{answer_queue.PREFIX}is-there", f"{answer_queue.PREFIX}emptied"


def empty(store: Redis) -> None:
    """Of all that waits; Redis has not forgotten anything."""
    for pattern in (f"{answer_queue.PREFIX}*", "throughline:lease:*", WAKE_UPS):
        for key in store.scan_iter(pattern):
            store.delete(key)
    store.set(IS_THERE, 1)


class Line:
    """Workers and users beside one queue. Answers are named by their users: "alice1" is Alice's first."""

    def __init__(self, store: Redis, redis: AsyncRedis):
        self.store = store
        self.redis = redis
        self.ready = 0
        self._users: dict[str, int] = {}
        self._ids: dict[str, UUID] = {}
        self._moments: Iterator[int] = count()
        self._taken: dict[str, tuple[AnswerQueue, Taken]] = {}

    def user(self, name: str) -> int:
        return self._users.setdefault(name, len(self._users) + 1)

    def id_of(self, answer: str) -> UUID:
        return self._ids.setdefault(answer, uuid4())

    def entry(self, answer: str, *, is_resuming: bool = False) -> Entry:
        at = BEGAN + timedelta(seconds=next(self._moments))
        return Entry(self.user(answer.rstrip("0123456789")), self.id_of(answer), at, is_resuming)

    def put(self, *answers: str, is_resuming: bool = False) -> None:
        entries = [self.entry(answer, is_resuming=is_resuming) for answer in answers]
        self.ready, _ = answer_queue.put(self.store, entries, BEGAN, WAKE_UPS)

    async def take(self, process: str = "worker") -> str | None:
        queue = AnswerQueue(self.redis, process)
        taken = await queue.take()
        if taken is None:
            return None
        answer = next(name for name, pk in self._ids.items() if pk == taken.generation)
        self._taken[answer] = queue, taken
        return answer

    async def take_all(self) -> list[str]:
        found = []
        while (answer := await self.take()) is not None:
            found.append(answer)
        return found

    async def end(self, answer: str) -> None:
        queue, taken = self._taken.pop(answer)
        await queue.release(taken)

    def lose(self, answer: str) -> None:
        """Its process was killed: the lease expires, and nobody says so."""
        self.store.delete(key_of(self.id_of(answer)))

    async def places(self, *names: str) -> dict[str, tuple[int, bool]]:
        found = await answer_queue.queue_positions(self.redis, [self.user(name) for name in names])
        names_by_id = {pk: name for name, pk in self._ids.items()}
        return {names_by_id[pk]: (place.ahead, place.is_held) for pk, place in found.items()}
