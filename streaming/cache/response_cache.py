"""Complete answers in Redis, by request. Without Redis, nothing is cached and nothing fails.

An answer is kept for an hour; each use doubles its lifetime, counted from the use, up to a week, so frequent questions
stay cached. Redis limits the total size (`maxmemory`); docs/models.md recommends a policy.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streaming.model_servers.vllm.wire import ChatDelta, LikelyToken, Usage

logger = logging.getLogger(__name__)

FIRST_LIFE_S = 3600
LONGEST_LIFE_S = 7 * 24 * 3600
LARGEST_BYTES = 256 * 1024
PATIENCE_S = 0.5  # for Redis; a longer wait would cost more than asking the model
SHARED = "all"  # in place of a user's id: the answer is cached for everybody
OWNER = "owner"  # field: the user who asked
PIECE = 1000  # characters yielded at once
TOKENS = 250  # tokens yielded at once, if they are known

# A hash with the answer and its lifetime in seconds. Each hit doubles the lifetime and restarts it.
FIND = """
local answer = redis.call('HGET', KEYS[1], 'answer')
if answer then
  local life = math.min(2 * redis.call('HGET', KEYS[1], 'life'), tonumber(ARGV[1]))
  redis.call('HSET', KEYS[1], 'life', life)
  redis.call('EXPIRE', KEYS[1], life)
end
return answer
"""


class CachedAnswer(msgspec.Struct, frozen=True):
    """A complete answer as the model server sent it."""

    model: str
    text: str
    thinking: str
    finish_reason: str
    usage: Usage
    tokens: tuple[LikelyToken, ...] = ()  # of the text, if the server reported them

    @classmethod
    def of(cls, model: str, deltas: Sequence[ChatDelta]) -> CachedAnswer | None:
        """Returns None if the deltas are not a complete answer."""
        reason = next((delta.finish_reason for delta in deltas if delta.finish_reason), "")
        text = "".join(delta.text for delta in deltas)
        if reason != "stop" or not text:
            return None
        counted = Usage(completion_tokens=sum(bool(delta.text or delta.thinking) for delta in deltas))
        usage = next((delta.usage for delta in reversed(deltas) if delta.usage), counted)
        tokens = tuple(token for delta in deltas if delta.text for token in delta.tokens)
        thinking = "".join(delta.thinking for delta in deltas)
        return cls(model, text, thinking, reason, usage, tokens if text_of_tokens(tokens) == text else ())

    def as_deltas(self) -> Iterator[ChatDelta]:
        for piece in pieces(self.thinking):
            yield ChatDelta(thinking=piece)
        for at in range(0, len(self.tokens), TOKENS):
            tokens = self.tokens[at : at + TOKENS]
            yield ChatDelta(text=text_of_tokens(tokens), tokens=tokens)
        for piece in pieces("" if self.tokens else self.text):
            yield ChatDelta(text=piece)
        yield ChatDelta(finish_reason=self.finish_reason, usage=self.usage)


class ResponseCache:
    """``find`` and ``keep`` never raise; without a cached answer the model is asked."""

    def __init__(self, redis: Redis):
        self._redis = redis
        self._find = redis.register_script(FIND)

    async def find(self, key: str) -> CachedAnswer | None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await self._find(keys=[redis_key(key)], args=[LONGEST_LIFE_S])
            return decode(found) if found else None
        except (RedisError, OSError, msgspec.DecodeError) as error:
            logger.warning("the response cache was not read: %r", error)
            return None

    async def keep(self, key: str, answer: CachedAnswer, owner: int) -> None:
        data = encode(answer)
        if len(data) > LARGEST_BYTES:
            return
        pipeline = self._redis.pipeline()  # a transaction, so that no answer is stored without an expiry
        pipeline.hset(redis_key(key), mapping={"answer": data, "life": FIRST_LIFE_S, OWNER: owner})
        pipeline.expire(redis_key(key), FIRST_LIFE_S)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await pipeline.execute()
        except (RedisError, OSError) as error:
            logger.warning("the response cache was not written: %r", error)


class Replay:
    """A cached answer, used like a ChatStream."""

    def __init__(self, answer: CachedAnswer):
        self.answered_at = None
        self._answer = answer
        self._closed = False

    async def deltas(self) -> AsyncGenerator[ChatDelta, None]:
        for delta in self._answer.as_deltas():
            if self._closed:
                return
            yield delta
            await asyncio.sleep(0)  # lets other tasks run

    async def close(self) -> None:
        self._closed = True


def text_of_tokens(tokens: Sequence[LikelyToken]) -> str:
    return "".join(token.token for token in tokens)


def pieces(text: str) -> Iterator[str]:
    return (text[at : at + PIECE] for at in range(0, len(text), PIECE))


def redis_key(key: str) -> str:
    return f"throughline:kept:{key}"


ALL_KEYS = redis_key("*")  # a pattern


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(CachedAnswer).decode
