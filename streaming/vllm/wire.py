"""Bytes of a streamed chat completion → typed deltas. No I/O here."""

from __future__ import annotations

import msgspec

from conversations.models.asking import storable

from .errors import BadReply, ErrorBody, Rejected
from .figures import request_figures

DONE = b"[DONE]"


class Delta(msgspec.Struct):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None  # vLLM up to 0.12


class LikelyToken(msgspec.Struct, frozen=True):
    """A token with the natural logarithm of its probability."""

    token: str
    logprob: float


class Logprobs(msgspec.Struct):
    content: list[LikelyToken] | None = None


class Choice(msgspec.Struct):
    delta: Delta = msgspec.field(default_factory=Delta)
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class PromptDetails(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None


class Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None  # with vLLM's --enable-prompt-tokens-details

    @property
    def cached_tokens(self) -> int | None:
        """Of the prompt's, what the server remembered; None if it does not tell."""
        return self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else None


class Chunk(msgspec.Struct):
    choices: list[Choice] = []
    usage: Usage | None = None
    metrics: object = None
    error: ErrorBody | str | None = None


class WholeChoice(msgspec.Struct):
    message: Delta
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class WholeReply(msgspec.Struct):
    choices: list[WholeChoice] = []
    usage: Usage | None = None
    metrics: object = None
    error: ErrorBody | str | None = None


class ChatDelta(msgspec.Struct, frozen=True):
    """What one chunk brought. Texts are exactly as received: sent back unchanged they continue token for token."""

    text: str = ""
    thinking: str = ""
    finish_reason: str = ""  # empty until the last
    usage: Usage | None = None
    tokens: tuple[LikelyToken, ...] = ()  # of this text, or thinking; empty if the server does not tell
    server_ms: dict[str, float] | None = None  # the server's own figures of the request; told with the last chunk


class EventLines:
    """Server-sent events, as far as OpenAI's protocol uses them: the payloads of ``data:`` lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, received: bytes) -> list[bytes]:
        """The payloads that are complete now. Comments (keep-alive) and other fields are passed over."""
        lines = (self._rest + received).split(b"\n")
        self._rest = lines.pop()
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]


_decode = msgspec.json.Decoder(Chunk).decode


def parse_chunk(payload: bytes) -> ChatDelta:
    """Raises BadReply, or Rejected for an error inside the stream."""
    try:
        chunk = _decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadReply(f"a chunk that cannot be read: {error}") from error
    if chunk.error is not None:
        raise in_stream(chunk.error)
    if not chunk.choices:
        return ChatDelta(usage=chunk.usage, server_ms=request_figures(chunk.metrics))
    choice = chunk.choices[0]
    delta = choice.delta
    return ChatDelta(
        text=clean(delta.content),
        thinking=clean(delta.reasoning or delta.reasoning_content),
        finish_reason=choice.finish_reason or "",
        usage=chunk.usage,
        tokens=likely(choice.logprobs),
    )


def parse_whole(reply: bytes) -> ChatDelta:
    """An answer that was not streamed, as one delta. Raises BadReply, or Rejected."""
    try:
        whole = msgspec.json.decode(reply, type=WholeReply)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadReply(f"a reply that cannot be read: {error}") from error
    if whole.error is not None:
        raise in_stream(whole.error)
    if not whole.choices:
        raise BadReply("a reply without an answer")
    choice = whole.choices[0]
    return ChatDelta(
        text=clean(choice.message.content),
        thinking=clean(choice.message.reasoning or choice.message.reasoning_content),
        finish_reason=choice.finish_reason or "stop",
        usage=whole.usage,
        tokens=likely(choice.logprobs),
        server_ms=request_figures(whole.metrics),
    )


def likely(logprobs: Logprobs | None) -> tuple[LikelyToken, ...]:
    return tuple(logprobs.content) if logprobs and logprobs.content else ()


def clean(text: str | None) -> str:
    return "" if not text else text if text.isascii() and "\0" not in text else storable(text)


def in_stream(error: ErrorBody | str) -> Rejected:
    if isinstance(error, str):
        return Rejected(500, error)
    return Rejected(error.code if isinstance(error.code, int) else 500, error.message)
