"""Payloads of a chat completion → typed deltas that can be stored, shown and added up, whatever a server sends.

What a field should not be is passed over, and the rest of its payload counts. No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import chain
from typing import Annotated, Any, TypeVar

import msgspec

from . import clean
from .errors import BadReply, Rejected, in_stream
from .metrics import request_figures

DONE = b"[DONE]"
TOO_LONG = "too_long"  # the finish reason of an answer that this site has cut off
REASON_LENGTH = 40
MOST_CHOICES = 100  # that are looked at, of a payload that is odd
MOST_OBJECTS = 100_000  # in one payload, a few for each token of a whole answer
A_LONG_ERROR = "an error of more words than are read"
FIELD_BYTES = 64 * 1024  # of a field that is no text; what is longer says nothing
NESTING = 5  # of parts inside parts
INDEFINITE = ("", "null", "none")  # finish reasons of servers that send one with every token
FINISH_REASONS = {  # what servers say → what vLLM says; others stay as they are
    "eos": "stop", "eos_token": "stop", "end_turn": "stop", "stop_sequence": "stop", "stop_token": "stop",
    "completed": "stop", "max_tokens": "length", "max_output_tokens": "length", "model_length": "length",
    "function_call": "tool_calls", "tool_call": "tool_calls", "tool_use": "tool_calls",
    "safety": "content_filter", "blocklist": "content_filter", "prohibited_content": "content_filter",
    "recitation": "content_filter", "sensitive": "content_filter",
}  # fmt: skip
PART_FIELDS = {  # of a part of a text: what it is, if the name tells
    "text": "", "value": "", "content": "",
    "thinking": "thinking", "reasoning": "thinking", "refusal": "refusal",
}  # fmt: skip
BROKEN = ("error", "abort", "network_error")  # finish reasons of servers that fail without a word

T = TypeVar("T", bound=msgspec.Struct)

fields_of = cache(msgspec.structs.fields)  # which works the types out anew at each call

ABSENT = msgspec.Raw()
TEXTS = ("content", "reasoning", "reasoning_content", "refusal")


class LikelyToken(msgspec.Struct, frozen=True):
    """A token with the natural logarithm of its probability; None if the server reported none that can be."""

    token: str
    logprob: Annotated[float, msgspec.Meta(gt=clean.UNTOLD, le=clean.ROUNDING)] | None = None


class Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int | None = None
    cached_tokens: int | None = None  # of the prompt's, what the server remembered (--enable-prompt-tokens-details)


class ChatDelta(msgspec.Struct, frozen=True):
    """What one payload brought. Texts are as received: sent back unchanged they continue token for token."""

    text: str = ""
    thinking: str = ""
    finish_reason: str = ""  # empty until the last
    usage: Usage | None = None
    tokens: tuple[LikelyToken, ...] = ()  # of this text, or thinking; empty if the server does not tell
    server_ms: dict[str, float] | None = None  # the server's own figures of the request; reported with the last chunk


class Delta(msgspec.Struct):
    """Of an odd payload, text may be parts with text in them. What is Raw is read where it is wanted, if it is short:
    to make objects of it costs far more than to pass over it."""

    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None  # vLLM up to 0.12
    refusal: str | None = None
    tool_calls: msgspec.Raw = ABSENT
    function_call: msgspec.Raw = ABSENT

    @property
    def is_plain(self) -> bool:
        return not (self.reasoning or self.reasoning_content or self.refusal or self.tool_calls or self.function_call)


class Logprobs(msgspec.Struct):
    content: list[LikelyToken] | None = None


class Choice(msgspec.Struct):
    index: int | None = None
    delta: Delta | msgspec.UnsetType | None = msgspec.UNSET
    message: Delta | None = None  # of an answer that was not streamed
    finish_reason: str | None = None
    logprobs: Logprobs | None = None
    error: msgspec.Raw = ABSENT


class Chunk(msgspec.Struct):
    choices: list[Choice] = []
    usage: msgspec.Raw = ABSENT
    metrics: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


_decode = msgspec.json.Decoder(Chunk).decode


def chunk_of(payload: bytes) -> Chunk:
    """Empty for what is no object, such as a server's sign of life. Raises BadReply for half an object, and for one of
    far too many."""
    if len(payload) > MOST_OBJECTS and payload.count(b"{") > MOST_OBJECTS:  # else each is more than two bytes
        raise BadReply(f"a chunk of more than {MOST_OBJECTS:,} objects")
    try:
        chunk = _decode(payload)
        is_plain = chunk.choices or b'"error"' not in payload
        return chunk if is_plain else odd_chunk(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return odd_chunk(payload)


def odd_chunk(payload: bytes) -> Chunk:
    if not payload.removeprefix(clean.BYTE_ORDER_MARK).lstrip().startswith((b"{", b"[")):
        return Chunk()
    try:
        found = clean.decode(payload)
    except clean.Unreadable as error:
        raise BadReply(f"a chunk that cannot be read: {error}") from None
    found = found[0] if isinstance(found, list) and found else found  # some wrap a lone error
    chunk = fitting(found, Chunk)
    if isinstance(found, dict) and found.get("object") == "error":  # its fields stand beside it
        chunk.error = found  # type: ignore[assignment]
    listed = found.get("choices") if isinstance(found, dict) else None
    choices = listed[:MOST_CHOICES] if isinstance(listed, list) else []
    chunk.choices = [odd_choice(one) for one in choices if isinstance(one, dict)]
    return chunk


def odd_choice(found: dict[str, Any]) -> Choice:
    choice = fitting(found, Choice)
    choice.delta = odd_delta(found["delta"]) if "delta" in found else msgspec.UNSET
    choice.message = odd_delta(found.get("message"))
    logprobs = found.get("logprobs")
    entries = logprobs.get("content") if isinstance(logprobs, dict) else None
    if isinstance(entries, list):
        choice.logprobs = Logprobs([odd_token(entry) for entry in entries])
    return choice


def odd_delta(found: object) -> Delta:
    delta = fitting(found, Delta)
    if isinstance(found, dict):
        for name in TEXTS:
            setattr(delta, name, found.get(name))
    return delta


def odd_token(entry: object) -> LikelyToken:
    """Without a token, or without a probability, it stands for a token that has none."""
    if not isinstance(entry, dict):
        return LikelyToken("")
    token = entry.get("token")
    return LikelyToken(
        clean.whole_pairs(token) if isinstance(token, str) else "", clean.log_probability(entry.get("logprob"))
    )


def fitting(found: object, kind: type[T]) -> T:
    """With those of its fields that are of the right type, and those as they are that are Raw otherwise."""
    if not isinstance(found, dict):
        return kind()
    fields: dict[str, Any] = {}
    for field in fields_of(kind):
        if field.name in found:
            with suppress(msgspec.ValidationError, UnicodeError):  # half a character is no text to msgspec
                value = found[field.name]
                fields[field.name] = value if field.type is msgspec.Raw else msgspec.convert(value, field.type)
    return kind(**fields)


def value_of(field: object) -> object:
    """Of one that is Raw, unless the payload was odd. None for what is absent, or too long to be read."""
    if not isinstance(field, msgspec.Raw):
        return field
    data = memoryview(field)
    if not 0 < len(data) <= FIELD_BYTES:
        return None
    try:
        return clean.decode(bytes(data))
    except clean.Unreadable:
        return None


def is_long(field: object) -> bool:
    return isinstance(field, msgspec.Raw) and len(memoryview(field)) > FIELD_BYTES


def error_in(*fields: object) -> object:
    """The first that says something; None if none does."""
    return next(filter(None, (A_LONG_ERROR if is_long(field) else value_of(field) for field in fields)), None)


NONE = Choice()


class ReplyReader:
    """Of one answer: ``read`` each payload, then ``end``. It knows what belongs together, and how the answer ended."""

    def __init__(self, max_characters: int):
        """``max_characters``: of text and thinking; what comes behind them is cut off."""
        self.has_ended = False  # the server said so
        self.is_full = False  # or it was cut off
        self._room = self._all_room = max_characters
        self._text, self._thinking = clean.Pieces(), clean.Pieces()
        self._index: int | None = None  # of the choice that is read; others are passed over
        self._has_text = self._has_refused = self._has_called = False

    @property
    def has_begun(self) -> bool:
        """There was something of an answer, or a word that it has ended."""
        return self._room < self._all_room or self._has_called or self.has_ended

    def read(self, payload: bytes) -> ChatDelta:
        """Raises BadReply, or Rejected for an error inside the stream."""
        return self.take(chunk_of(payload))

    def take(self, chunk: Chunk) -> ChatDelta:
        choice = self._choice(chunk.choices) if chunk.choices else NONE
        if (chunk.error or choice.error) and (error := error_in(chunk.error, choice.error)):
            raise in_stream(error)
        delta = choice.delta
        if delta is msgspec.UNSET:  # a whole message behind its deltas says the same again
            delta = choice.message if self._room == self._all_room else None
        text, thinking = self._texts(delta) if delta else ("", "")
        self._room -= len(text) + len(thinking)
        if self._room < 0:
            return self.cut(text, thinking)
        return ChatDelta(
            text,
            thinking,
            self._finish(choice.finish_reason) if choice.finish_reason else "",
            usage_of(value_of(chunk.usage)) if chunk.usage else None,
            tuple(choice.logprobs.content) if choice.logprobs and choice.logprobs.content else (),
            request_figures(value_of(chunk.metrics)) if chunk.metrics else None,
        )

    def end(self) -> ChatDelta:
        """After the last payload: what was held back, and a finish reason if none came."""
        text, thinking = self._text.rest(), self._thinking.rest()
        return ChatDelta(text, thinking, "" if self.has_ended else self._finish("stop"))

    def cut(self, text: str = "", thinking: str = "") -> ChatDelta:
        """There is no room for all of this: the end."""
        self.is_full = self.has_ended = True
        room = max(self._room + len(text) + len(thinking), 0)
        thinking = thinking[:room]
        return ChatDelta(text[: room - len(thinking)], thinking, TOO_LONG)

    def _choice(self, choices: list[Choice]) -> Choice:
        """The one that came first, whichever index it has; empty if this chunk has none of it."""
        if self._index is None:
            self._index = choices[0].index
        return next((one for one in choices if one.index in (self._index, None)), NONE)

    def _texts(self, delta: Delta) -> tuple[str, str]:
        if delta.content.__class__ is str and delta.is_plain:  # the usual case
            text = self._text.take(delta.content)  # type: ignore[arg-type]
            self._has_text = self._has_text or bool(text)
            return text, ""
        said: dict[str, list[str]] = {"text": [], "thinking": [], "refusal": []}
        thinking = delta.reasoning or delta.reasoning_content
        fields: tuple[tuple[object, str], ...] = (
            (thinking, "thinking"), (delta.content, "text"), (delta.refusal, "refusal"),
        )  # fmt: skip
        for kind, piece in chain.from_iterable(parts_of(value, kind) for value, kind in fields):
            said[kind].append(piece)
        self._has_refused = self._has_refused or bool("".join(said["refusal"]))
        self._has_called = self._has_called or any(
            bool(is_long(called) or value_of(called)) for called in (delta.tool_calls, delta.function_call)
        )
        text = self._text.take("".join(said["text"] + said["refusal"]))
        self._has_text = self._has_text or bool(text)
        return text, self._thinking.take("".join(said["thinking"]))

    def _finish(self, reason: str) -> str:
        """Empty if it says nothing. Raises Rejected if it says no more than that something went wrong."""
        known = clean.label(reason, REASON_LENGTH).lower()
        if known in INDEFINITE:
            return ""
        if known in BROKEN:
            raise Rejected(500, f"the answer ended with the finish reason {known}")
        self.has_ended = True
        known = FINISH_REASONS.get(known, known)
        if known == "stop" and self._has_refused:
            return "refusal"
        return "tool_calls" if known == "stop" and self._has_called and not self._has_text else known


def parse_whole(reply: bytes, max_characters: int) -> ChatDelta:
    """An answer that was not streamed, as one delta. Raises BadReply, or Rejected."""
    reader = ReplyReader(max_characters)
    chunk = chunk_of(reply)
    if not (chunk.choices or error_in(chunk.error)):
        raise BadReply("a reply without an answer")
    return join_deltas([reader.take(chunk), reader.end()])


def join_deltas(deltas: Sequence[ChatDelta]) -> ChatDelta:
    """All of an answer as one."""
    return ChatDelta(
        "".join(delta.text for delta in deltas),
        "".join(delta.thinking for delta in deltas),
        next((delta.finish_reason for delta in reversed(deltas) if delta.finish_reason), ""),
        next((delta.usage for delta in reversed(deltas) if delta.usage), None),
        tuple(token for delta in deltas for token in delta.tokens),
        next((delta.server_ms for delta in reversed(deltas) if delta.server_ms), None),
    )


def parts_of(value: object, kind: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Text, or parts with text in them, as (what it is, what it says). Pictures and the like say nothing."""
    if isinstance(value, str):
        yield kind, value
    elif isinstance(value, list) and depth < NESTING:
        for part in value:
            yield from parts_of(part, kind, depth + 1)
    elif isinstance(value, dict) and depth < NESTING:
        inner = next((name for name in PART_FIELDS if value.get(name)), "")
        yield from parts_of(value.get(inner), PART_FIELDS.get(inner) or kind, depth + 1)


def usage_of(usage: object) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    details = usage.get("prompt_tokens_details")
    cached = clean.tokens(details.get("cached_tokens")) if isinstance(details, dict) else None
    read, written = clean.tokens(usage.get("prompt_tokens")), clean.tokens(usage.get("completion_tokens"))
    return None if read is written is cached is None else Usage(read or 0, written, cached)
