"""What requests wait for before their first token: room at a model server, then its taking them up.

All requests of a process share one line. Once a second, while anybody has waited for a moment, it finds out what the
servers say of their queues (queue_lengths.py), and tells each request how many come before it, or that its prompt is
being read. Servers take requests up in the order in which they came; among ours, so does the line.
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
MOMENT_S = 0.3  # most first tokens come within it, or soon after
FEWEST_TOKENS = 200  # of prompts; fewer say nothing of their size
REMEMBERED_TOKENS = 50_000  # then what is older counts half

Tell = Callable[[int | None, int], None]  # ahead, and tokens that are being read
NOTHING = (None, 0)  # is known


class RequestPosition:
    """Where one request stands. Its owner says where, and leaves with the first token."""

    def __init__(self, line: WaitingRequests, tell: Tell):
        self.since = 0.0
        self.server: ModelServer | None = None  # that has the request
        self.wish: Hashable = None  # for room: of equal ones, the first is the next
        self.is_read = False  # the server has taken it up
        self.ahead: int | None = None  # by the server itself
        self._line = line
        self._tell = tell
        self._told: tuple[int | None, int] = NOTHING
        self._tokens = 0

    def for_room(self, wish: Hashable) -> None:
        if self.wish is None:
            self._stand(None, wish, 0)

    def at(self, server: ModelServer, tokens: int) -> None:
        """``tokens``: of the prompt, about."""
        self._stand(server, None, tokens)

    def leave(self) -> None:
        self._line.forget(self)
        self.server, self.wish = None, None
        self._say(*NOTHING)

    def check_turn(self, wish: Hashable) -> None:
        """Raises NoRoom if somebody with the same wish came before."""
        if not self._line.is_next(self, wish):
            raise NoRoom("others came before")

    def learn(self, ahead: int | None) -> None:
        """``ahead`` None: the server has taken it up."""
        self._say(*((None, self._tokens) if ahead is None else (ahead, 0)))

    def _stand(self, server: ModelServer | None, wish: Hashable, tokens: int) -> None:
        self._line.forget(self)
        self.server, self.wish, self._tokens = server, wish, tokens
        self.is_read, self.ahead = False, None
        self._say(*NOTHING)
        self._line.remember(self)

    def _say(self, ahead: int | None, reading: int) -> None:
        if self._told != (ahead, reading):
            self._told = (ahead, reading)
            self._tell(ahead, reading)


class WaitingRequests:
    """``run`` is its only task, owned by the runner."""

    def __init__(self, queues: Queues, clock: Callable[[], float] = time.monotonic):
        self._queues = queues
        self._clock = clock
        # Both in the order in which they came.
        self._sent: dict[RequestPosition, None] = {}
        self._rooms: defaultdict[Hashable, dict[RequestPosition, None]] = defaultdict(dict)  # by wish
        self._somebody = asyncio.Event()
        self.sizes = PromptSizes()

    def remember(self, place: RequestPosition) -> None:
        place.since = self._clock()
        (self._sent if place.server else self._rooms[place.wish])[place] = None
        self._somebody.set()

    def forget(self, place: RequestPosition) -> None:
        self._sent.pop(place, None)
        if place.wish is not None and (room := self._rooms.get(place.wish)) is not None:
            room.pop(place, None)
            if not room:
                del self._rooms[place.wish]

    def is_next(self, place: RequestPosition, wish: Hashable) -> bool:
        """Of those that wait for this room, or would."""
        return next(iter(self._rooms.get(wish, ())), place) is place

    async def run(self) -> None:
        while True:
            await self._somebody.wait()
            await asyncio.sleep(INTERVAL_S)
            try:
                await self.tell()
            except Exception:  # what is told of waiting is no reason to stop writing
                logger.exception("places in the line were not told")
            if not (self._sent or self._rooms):
                self._somebody.clear()

    async def tell(self) -> None:
        """Everybody who has waited for a moment."""
        for room in self._rooms.values():
            for ahead, place in enumerate(room):
                place.learn(ahead)
        moment_ago = self._clock() - MOMENT_S
        waited = {p.server: self._clock() - p.since for p in reversed(self._sent) if p.server and p.since < moment_ago}
        known = await self._queues.of(waited) if waited else {}
        later: Counter[ModelServer] = Counter()
        for place in reversed(self._sent):
            if place.server and (queue := known.get(place.server)):
                if place.since < moment_ago:
                    estimate_position(place, queue, later[place.server])
                later[place.server] += place.since < queue.at


def estimate_position(place: RequestPosition, queue: Queue, later: int) -> None:
    """``later``: of our own requests to the same server, those that it got after this one, and before it told."""
    if place.is_read:
        return
    if queue.at < place.since:  # what was found before the request came is a hint, no more
        place.learn(queue.waiting or None)
        return
    ahead = queue.waiting - later - 1  # those that wait came last
    place.is_read = ahead < 0
    place.ahead = ahead if place.ahead is None else min(ahead, place.ahead)
    place.learn(None if place.is_read else place.ahead)


@dataclass
class Seen:
    characters: float = 4.0 * FEWEST_TOKENS  # until there is more to go by
    tokens: float = 1.0 * FEWEST_TOKENS


class PromptSizes:
    """How many tokens a prompt has, about: by how many characters a token of the model had lately."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, Seen] = defaultdict(Seen)

    def record(self, model: str, characters: int, tokens: int) -> None:
        """A prompt of so many characters had so many tokens."""
        seen = self._seen[model]
        seen.characters += characters
        seen.tokens += tokens
        if seen.tokens > REMEMBERED_TOKENS:
            seen.characters /= 2
            seen.tokens /= 2

    def about(self, model: str, characters: int) -> int:
        """In two figures; never 0."""
        seen = self._seen[model]
        tokens = max(1.0, characters * seen.tokens / seen.characters)
        return round(round(tokens), min(0, 1 - floor(log10(tokens))))
