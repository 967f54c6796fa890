"""Positions of requests that wait for their first token: for room at a model server, then for the server to start.

The requests of a process wait in the order of their arrival, as they do at servers. Once a second, while requests have
waited longer than MOMENT_S, the servers' queues are looked up (queue_lengths.py), and each request learns how many are
ahead of it, or that its prompt is being read.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from math import floor, log10

from streaming.model_servers.pool import NoRoom
from streaming.model_servers.queue_lengths import Queue, Queues
from streaming.model_servers.vllm.client import ModelServer

logger = logging.getLogger(__name__)

INTERVAL_S = 1.0
MOMENT_S = 0.3  # most first tokens arrive within it or soon after
FEWEST_TOKENS = 200  # of prompts; fewer are no basis for an estimate
REMEMBERED_TOKENS = 50_000  # above this, older prompts count half

Report = Callable[[int | None, int], None]  # requests ahead, tokens being read
NOTHING = (None, 0)  # neither is known


class RequestPosition:
    """One request's position in the queue. Its owner sets where it waits, and leaves with the first token."""

    def __init__(self, waiting: WaitingRequests, report: Report):
        self.since = 0.0
        self.server: ModelServer | None = None  # where the request was sent
        self.need: Hashable = None  # the room it waits for; equal needs are served in order of arrival
        self.is_read = False  # the server reads the prompt
        self.ahead: int | None = None  # by the server's own metrics
        self._waiting = waiting
        self._report = report
        self._reported: tuple[int | None, int] = NOTHING
        self._tokens = 0

    def for_room(self, need: Hashable) -> None:
        if self.need is None:
            self._wait(None, need, 0)

    def at(self, server: ModelServer, tokens: int) -> None:
        """``tokens``: the prompt's, an estimate."""
        self._wait(server, None, tokens)

    def leave(self) -> None:
        self._waiting.forget(self)
        self.server, self.need = None, None
        self._report_change(*NOTHING)

    def check_turn(self, need: Hashable) -> None:
        """Raises NoRoom if an earlier request has the same need."""
        if not self._waiting.is_next(self, need):
            raise NoRoom("others came before")

    def update(self, ahead: int | None) -> None:
        """``ahead`` None: the server reads the prompt."""
        self._report_change(*((None, self._tokens) if ahead is None else (ahead, 0)))

    def _wait(self, server: ModelServer | None, need: Hashable, tokens: int) -> None:
        self._waiting.forget(self)
        self.server, self.need, self._tokens = server, need, tokens
        self.is_read, self.ahead = False, None
        self._report_change(*NOTHING)
        self._waiting.remember(self)

    def _report_change(self, ahead: int | None, reading: int) -> None:
        if self._reported != (ahead, reading):
            self._reported = (ahead, reading)
            self._report(ahead, reading)


class WaitingRequests:
    """All waiting requests of a process. The runner owns its one task, ``run``."""

    def __init__(self, queues: Queues, clock: Callable[[], float] = time.monotonic):
        self._queues = queues
        self._clock = clock
        # Both in order of arrival.
        self._sent: dict[RequestPosition, None] = {}
        self._rooms: defaultdict[Hashable, dict[RequestPosition, None]] = defaultdict(dict)  # by need
        self._somebody = asyncio.Event()
        self.sizes = PromptSizes()

    def remember(self, position: RequestPosition) -> None:
        position.since = self._clock()
        (self._sent if position.server else self._rooms[position.need])[position] = None
        self._somebody.set()

    def forget(self, position: RequestPosition) -> None:
        self._sent.pop(position, None)
        if position.need is not None and (room := self._rooms.get(position.need)) is not None:
            room.pop(position, None)
            if not room:
                del self._rooms[position.need]

    def is_next(self, position: RequestPosition, need: Hashable) -> bool:
        """True if no earlier request waits for the same room."""
        return next(iter(self._rooms.get(need, ())), position) is position

    async def run(self) -> None:
        while True:
            await self._somebody.wait()
            await asyncio.sleep(INTERVAL_S)
            try:
                await self.report()
            except Exception:  # queue positions are no reason to end the process
                logger.exception("queue positions were not reported")
            if not (self._sent or self._rooms):
                self._somebody.clear()

    async def report(self) -> None:
        """Updates the requests that wait for room, and those sent more than MOMENT_S ago."""
        for room in self._rooms.values():
            for ahead, position in enumerate(room):
                position.update(ahead)
        moment_ago = self._clock() - MOMENT_S
        waited = {p.server: self._clock() - p.since for p in reversed(self._sent) if p.server and p.since < moment_ago}
        known = await self._queues.of(waited) if waited else {}
        later: Counter[ModelServer] = Counter()
        for position in reversed(self._sent):
            if position.server and (queue := known.get(position.server)):
                if position.since < moment_ago:
                    estimate_position(position, queue, later[position.server])
                later[position.server] += position.since < queue.at


def estimate_position(position: RequestPosition, queue: Queue, later: int) -> None:
    """``later``: how many of our own requests the server got after this one and before it reported its queue."""
    if position.is_read:
        return
    if queue.at < position.since:  # measured before the request was sent: only a hint
        position.update(queue.waiting or None)
        return
    ahead = queue.waiting - later - 1  # the waiting requests are the latest ones
    position.is_read = ahead < 0
    position.ahead = ahead if position.ahead is None else min(ahead, position.ahead)
    position.update(None if position.is_read else position.ahead)


@dataclass
class Seen:
    # A guess until prompts were measured: 4 characters a token.
    characters: float = 4.0 * FEWEST_TOKENS
    tokens: float = 1.0 * FEWEST_TOKENS


class PromptSizes:
    """Estimates a prompt's tokens from the characters per token of the model's recent prompts."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, Seen] = defaultdict(Seen)

    def record(self, model: str, characters: int, tokens: int) -> None:
        """Records a prompt's characters and the tokens that the server counted."""
        seen = self._seen[model]
        seen.characters += characters
        seen.tokens += tokens
        if seen.tokens > REMEMBERED_TOKENS:
            seen.characters /= 2
            seen.tokens /= 2

    def about(self, model: str, characters: int) -> int:
        """Rounded to two significant digits; never 0."""
        seen = self._seen[model]
        tokens = max(1.0, characters * seen.tokens / seen.characters)
        return round(round(tokens), min(0, 1 - floor(log10(tokens))))
