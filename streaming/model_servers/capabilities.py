"""The capabilities of each model server with each model: observed, never assumed.

Each worker keeps them and exchanges them with the others once a second, in a Redis hash that expires. Capabilities that
are lost or too old are simply observed again.
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
LATELY_S = 1800.0  # an unchanged value is not published again within this time


class Capability(StrEnum):
    """What is recorded of a server and model, with its possible values."""

    CONTINUING = "continuing"  # of a text, in a stream: Continuing
    CONTINUING_WHOLE = "continuing, whole"  # the same, not streamed
    PROBABILITIES = "probabilities"  # Probabilities
    USAGE = "usage"  # at the end of streams: yes, no or refused
    STREAMING = "streaming"  # yes or no
    LIST_CONTENT = "list content"  # accepts a message's content as a list of parts: yes or no
    TEMPLATE_ARGUMENTS = "template arguments"  # accepts chat_template_kwargs: yes or no


class Continuing(StrEnum):
    EXACT = "exact"
    REPEATS = "repeats"  # the given text, and then continues it
    ANEW = "anew"  # takes the given text for a complete turn, and starts another answer
    REFUSES = "refuses"
    UNKNOWN = ""

    @property
    def goes_on(self) -> bool:
        """True also if unknown."""
        return self not in (Continuing.ANEW, Continuing.REFUSES)


class Probabilities(StrEnum):
    PLAIN = "plain"  # reported with top_logprobs 0
    TOP_ONE = "top-1"  # reported only with 1
    NOT_PLAIN = "not-plain"  # not reported with 0; 1 was not tried yet
    NONE = "none"


YES, NO, REFUSED = "yes", "no", "refused"


class Subject(NamedTuple):
    """A capability of a server with a model."""

    server: ServerKey
    model: str
    capability: Capability


class Learned(msgspec.Struct, frozen=True):
    value: str
    at: float  # seconds since 1970, by the observing worker's clock


class Capabilities:
    """The capabilities that one process knows."""

    def __init__(self) -> None:
        self._known: dict[Subject, Learned] = {}
        self._unsent: dict[Subject, Learned | None] = {}  # None: forgotten

    def value(self, server: ModelServer, model: str, capability: Capability) -> str:
        """Returns an empty string if it is unknown, or was observed longer than KNOWN_FOR_S ago."""
        learned = self._known.get(Subject(server.key, model, capability))
        return learned.value if learned and time.time() - learned.at < KNOWN_FOR_S else ""

    def learn(self, server: ModelServer, model: str, capability: Capability, value: str) -> None:
        subject, now = Subject(server.key, model, capability), time.time()
        known = self._known.get(subject)
        if known is None or known.value != value or now - known.at > LATELY_S:
            self._known[subject] = self._unsent[subject] = Learned(value, now)

    def forget(self, server: ModelServer) -> None:
        """Called when the server is unreachable: another one may come back at its address."""
        for subject in [subject for subject in self._known if subject.server == server.key]:
            del self._known[subject]
            self._unsent[subject] = None

    # Typed values

    def continuing(self, server: ModelServer, model: str, *, streams: bool) -> Continuing:
        value = self.value(server, model, Capability.CONTINUING if streams else Capability.CONTINUING_WHOLE)
        # Another version may have published a value that this one does not know.
        return next((kind for kind in Continuing if kind == value), Continuing.UNKNOWN)

    def top_logprobs(self, server: ModelServer, model: str) -> int | None:
        return top_logprobs(self.value(server, model, Capability.PROBABILITIES))

    # Exchange among processes

    async def exchange(self, redis: AsyncRedis) -> None:
        """Publishes what is new and takes over what others published: what one worker forgot, all forget.

        Raises RedisError, OSError; then the known values stay, and the new ones are published the next time.
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
    """Returns the ``top_logprobs`` to request; None if the server reports no probabilities."""
    match known:
        case Probabilities.NONE:
            return None
        case Probabilities.TOP_ONE | Probabilities.NOT_PLAIN:
            return 1
        case _:
            return 0


def probabilities(asked: int, *, reported: bool) -> Probabilities:
    """Returns the value to record after a request with ``asked`` top_logprobs."""
    if asked == 0:
        return Probabilities.PLAIN if reported else Probabilities.NOT_PLAIN
    return Probabilities.TOP_ONE if reported else Probabilities.NONE


def field_of(subject: Subject) -> str:
    return msgspec.json.encode(subject).decode()


def decode(stored: Any) -> Iterator[tuple[Subject, Learned]]:
    """Skips entries of other versions that cannot be decoded."""
    for field, learned in stored.items():
        yield from zip(exchanged.read([field], Subject), exchanged.read([learned], Learned), strict=False)


def forget_all(redis: Redis, servers: Collection[ServerKey]) -> None:
    """Deletes what workers published about these servers. Raises RedisError."""
    stored: Any = redis.hkeys(KEY) if servers else []
    if gone := [field for field in stored for its in exchanged.read([field], Subject) if its.server in servers]:
        redis.hdel(KEY, *gone)


def known_capabilities(redis: Redis) -> dict[Subject, str]:
    """Returns what workers published, for operators. Raises RedisError."""
    return {subject: learned.value for subject, learned in decode(redis.hgetall(KEY))}
