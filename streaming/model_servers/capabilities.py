"""What each model server was seen to be able to do with each model: learned, and never assumed.

Every worker keeps what it knows, and shares it with the others once a second by a hash in Redis that expires. A lost
hash, or knowledge that has grown old, is only learned again.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from streaming.coordination import exchanged

from .vllm.client import ModelServer, ServerKey

KEY = "throughline:capabilities"  # hash: JSON of a Subject -> Learned
KNOWN_FOR_S = 24 * 3600
LATELY_S = 1800.0  # what is seen again within it is not published again


class Capability(StrEnum):
    """What is learned; the values are said below."""

    CONTINUING = "continuing"  # how it goes on from a text in a stream: Continuing
    CONTINUING_WHOLE = "continuing, whole"  # likewise, in a reply that is not streamed
    PROBABILITIES = "probabilities"  # Probabilities
    USAGE = "usage"  # at the end of streams: yes, no, or refused
    STREAMING = "streaming"  # yes or no
    LIST_CONTENT = "list content"  # takes a message's content as a list of parts: yes or no
    TEMPLATE_ARGUMENTS = "template arguments"  # takes chat_template_kwargs: yes or no


class Continuing(StrEnum):
    EXACT = "exact"
    REPEATS = "repeats"  # what it was given, and then goes on
    ANEW = "anew"  # takes what it was given for a whole turn, and begins another answer
    REFUSES = "refuses"
    UNKNOWN = ""

    @property
    def goes_on(self) -> bool:
        """As far as is known."""
        return self not in (Continuing.ANEW, Continuing.REFUSES)


class Probabilities(StrEnum):
    PLAIN = "plain"  # reported with top_logprobs 0
    TOP_ONE = "top-1"  # reported with 1 only
    NOT_PLAIN = "not-plain"  # not reported with 0; nobody has tried 1 yet
    NONE = "none"


YES, NO, REFUSED = "yes", "no", "refused"


class Subject(NamedTuple):
    """Which capability of which server with which model."""

    server: ServerKey
    model: str
    capability: Capability


class Learned(msgspec.Struct, frozen=True):
    value: str
    at: float  # seconds since 1970, by the clock of who learned it


class Capabilities:
    """As one process knows them."""

    def __init__(self) -> None:
        self._known: dict[Subject, Learned] = {}
        self._unsent: dict[Subject, Learned | None] = {}  # None: forgotten

    def value(self, server: ModelServer, model: str, capability: Capability) -> str:
        """Empty if it is not known, or was learned too long ago."""
        learned = self._known.get(Subject(server.key, model, capability))
        return learned.value if learned and time.time() - learned.at < KNOWN_FOR_S else ""

    def learn(self, server: ModelServer, model: str, capability: Capability, value: str) -> None:
        subject, now = Subject(server.key, model, capability), time.time()
        known = self._known.get(subject)
        if known is None or known.value != value or now - known.at > LATELY_S:
            self._known[subject] = self._unsent[subject] = Learned(value, now)

    def forget(self, server: ModelServer) -> None:
        """It is gone: what comes back at its address may be another one."""
        for subject in [subject for subject in self._known if subject.server == server.key]:
            del self._known[subject]
            self._unsent[subject] = None

    # What is asked of them often

    def continuing(self, server: ModelServer, model: str, *, streams: bool) -> Continuing:
        value = self.value(server, model, Capability.CONTINUING if streams else Capability.CONTINUING_WHOLE)
        return next((kind for kind in Continuing if kind == value), Continuing.UNKNOWN)  # another version may tell more

    def top_logprobs(self, server: ModelServer, model: str) -> int | None:
        """As Probabilities have it."""
        return top_logprobs(self.value(server, model, Capability.PROBABILITIES))

    # What processes exchange

    async def exchange(self, redis: AsyncRedis) -> None:
        """Publish what is new, and know what the others know from now on: what one of them forgot is forgotten by all.

        Raises RedisError, OSError; then it is published the next time, and what was known holds.
        """
        unsent = dict(self._unsent)
        async with redis.pipeline() as pipeline:
            for subject, learned in unsent.items():
                if learned is None:
                    pipeline.hdel(KEY, field_of(subject))
                else:
                    pipeline.hset(KEY, field_of(subject), msgspec.json.encode(learned).decode())
                    pipeline.expire(KEY, KNOWN_FOR_S)
            pipeline.hgetall(KEY)
            *_, stored = await pipeline.execute()
        for subject, learned in unsent.items():
            if self._unsent.get(subject) is learned:
                del self._unsent[subject]
        received = dict(decode(stored)) | self._unsent
        self._known = {subject: learned for subject, learned in received.items() if learned}


def top_logprobs(known: str) -> int | None:
    """How to ask for probabilities; None: there are none."""
    match known:
        case Probabilities.NONE:
            return None
        case Probabilities.TOP_ONE | Probabilities.NOT_PLAIN:
            return 1
        case _:
            return 0


def probabilities(asked: int, *, reported: bool) -> Probabilities:
    """By a text that came with, or without, them."""
    if asked == 0:
        return Probabilities.PLAIN if reported else Probabilities.NOT_PLAIN
    return Probabilities.TOP_ONE if reported else Probabilities.NONE


def field_of(subject: Subject) -> str:
    return msgspec.json.encode(subject).decode()


def decode(stored: Any) -> Iterator[tuple[Subject, Learned]]:
    """Without what another version stored."""
    for field, learned in stored.items():
        yield from zip(exchanged.read([field], Subject), exchanged.read([learned], Learned), strict=False)


def forget_all(redis: Redis, servers: Collection[ServerKey]) -> None:
    """What any worker knows of these. Raises RedisError."""
    stored: Any = redis.hkeys(KEY) if servers else []
    if gone := [field for field in stored for its in exchanged.read([field], Subject) if its.server in servers]:
        redis.hdel(KEY, *gone)


def known_capabilities(redis: Redis) -> dict[Subject, str]:
    """What the workers have published, for operators. Raises RedisError."""
    return {subject: learned.value for subject, learned in decode(redis.hgetall(KEY))}
