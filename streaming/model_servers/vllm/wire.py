"""Parses payloads of a chat completion into typed deltas that can be stored, shown and summed, whatever a server sends.

Invalid fields are skipped; the rest of the payload counts. No I/O here.
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
TOO_LONG = "too_long"  # finish reason of an answer that this site cut off
REASON_LENGTH = 40
MOST_CHOICES = 100  # read of an odd payload
MOST_OBJECTS = 100_000  # in one payload; a whole answer has a few per token
A_LONG_ERROR = "an error of more words than are read"
FIELD_BYTES = 64 * 1024  # of a field that is not text; longer ones are ignored
NESTING = 5  # of parts within parts
INDEFINITE = ("", "null", "none")  # finish reasons of servers that send one with every token
FINISH_REASONS = {  # other servers' reasons → vLLM's; unknown ones stay as they are
    "eos": "stop", "eos_token": "stop", "end_turn": "stop", "stop_sequence": "stop", "stop_token": "stop",
    "completed": "stop", "max_tokens": "length", "max_output_tokens": "length", "model_length": "length",
    "function_call": "tool_calls", "tool_call": "tool_calls", "tool_use": "tool_calls",
    "safety": "content_filter", "blocklist": "content_filter", "prohibited_content": "content_filter",
    "recitation": "content_filter", "sensitive": "content_filter",
}  # fmt: skip
PART_FIELDS = {  # fields with the text of a part → its kind, if the name shows it
    "text": "", "value": "", "content": "",
    "thinking": "thinking", "reasoning": "thinking", "refusal": "refusal",
}  # fmt: skip
BROKEN = ("error", "abort", "network_error")  # finish reasons of servers that fail without an error message

T = TypeVar("T", bound=msgspec.Struct)

fields_of = cache(msgspec.structs.fields)  # which resolves the types at each call

ABSENT = msgspec.Raw()
TEXTS = ("content", "reasoning", "reasoning_content", "refusal")


class LikelyToken(msgspec.Struct, frozen=True):
    """A token with the natural logarithm of its probability; None if the server reported no valid one."""

    token: str
    logprob: Annotated[float, msgspec.Meta(gt=clean.UNTOLD, le=clean.ROUNDING)] | None = None


class Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int | None = None
    cached_tokens: int | None = None  # prompt tokens from the server's cache (--enable-prompt-tokens-details)


class ChatDelta(msgspec.Struct, frozen=True):
    """The content of one payload. Texts are as received, so that a continuation matches token for token."""

    text: str = ""
    thinking: str = ""
    finish_reason: str = ""  # empty until the last
    usage: Usage | None = None
    tokens: tuple[LikelyToken, ...] = ()  # of this text or thinking; empty if not reported
    server_ms: dict[str, float] | None = None  # the server's own timings of the request, with the last chunk


class Delta(msgspec.Struct):
    """In an odd payload, a text may be a list of parts. Raw fields are decoded only where needed, and if short:
    decoding costs far more than skipping."""

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
    message: Delta | None = None  # of an answer without streaming
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
    """Returns an empty Chunk for a payload that is no object, such as a sign of life. Raises BadReply for half an
    object, or for far too many objects."""
    if len(payload) > MOST_OBJECTS and payload.count(b"{") > MOST_OBJECTS:  # counts only long payloads
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
    found = found[0] if isinstance(found, list) and found else found  # some servers wrap a single error in a list
    chunk = fitting(found, Chunk)
    if isinstance(found, dict) and found.get("object") == "error":  # the payload itself is the error
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
    """An entry without a token or probability still stands for one token."""
    if not isinstance(entry, dict):
        return LikelyToken("")
    token = entry.get("token")
    return LikelyToken(
        clean.whole_pairs(token) if isinstance(token, str) else "", clean.log_probability(entry.get("logprob"))
    )


def fitting(found: object, kind: type[T]) -> T:
    """Returns a ``kind`` with the fields that have the right type; Raw fields get their decoded values."""
    if not isinstance(found, dict):
        return kind()
    fields: dict[str, Any] = {}
    for field in fields_of(kind):
        if field.name in found:
            with suppress(msgspec.ValidationError, UnicodeError):  # msgspec rejects lone surrogates
                value = found[field.name]
                fields[field.name] = value if field.type is msgspec.Raw else msgspec.convert(value, field.type)
    return kind(**fields)


def value_of(field: object) -> object:
    """Returns the decoded value of a Raw field; of odd payloads, the field itself. None if absent, too long or
    unreadable."""
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
    """Returns the first error that is not empty; None if there is none."""
    return next(filter(None, (A_LONG_ERROR if is_long(field) else value_of(field) for field in fields)), None)


NONE = Choice()


class ReplyReader:
    """Reads one answer: ``read`` each payload, then ``end``. Joins split characters, and tracks how the answer ends."""

    def __init__(self, max_characters: int):
        """``max_characters``: of text and thinking together; the rest is cut off."""
        self.has_ended = False  # by the server's finish reason, or cut off
        self.is_full = False  # cut off
        self._room = self._all_room = max_characters
        self._text, self._thinking = clean.Pieces(), clean.Pieces()
        self._index: int | None = None  # of the choice that is read; others are skipped
        self._has_text = self._has_refused = self._has_called = False

    @property
    def has_begun(self) -> bool:
        """True if a part of an answer has arrived, or its end."""
        return self._room < self._all_room or self._has_called or self.has_ended

    def read(self, payload: bytes) -> ChatDelta:
        """Raises BadReply, or Rejected for an error inside the stream."""
        return self.take(chunk_of(payload))

    def take(self, chunk: Chunk) -> ChatDelta:
        choice = self._choice(chunk.choices) if chunk.choices else NONE
        if (chunk.error or choice.error) and (error := error_in(chunk.error, choice.error)):
            raise in_stream(error)
        delta = choice.delta
        if delta is msgspec.UNSET:  # a whole message after deltas only repeats them
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
        """Call it after the last payload. Returns what was held back, and a finish reason if none came."""
        text, thinking = self._text.rest(), self._thinking.rest()
        return ChatDelta(text, thinking, "" if self.has_ended else self._finish("stop"))

    def cut(self, text: str = "", thinking: str = "") -> ChatDelta:
        """Ends the answer with as much of this as there is room for."""
        self.is_full = self.has_ended = True
        room = max(self._room + len(text) + len(thinking), 0)
        thinking = thinking[:room]
        return ChatDelta(text[: room - len(thinking)], thinking, TOO_LONG)

    def _choice(self, choices: list[Choice]) -> Choice:
        """Returns the choice with the index that came first; an empty one if this chunk has none of it."""
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
        """Returns the reason in vLLM's words; empty if indefinite. Raises Rejected if it only reports a failure."""
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
    """Returns an answer without streaming as one delta. Raises BadReply, Rejected."""
    reader = ReplyReader(max_characters)
    chunk = chunk_of(reply)
    if not (chunk.choices or error_in(chunk.error)):
        raise BadReply("a reply without an answer")
    return join_deltas([reader.take(chunk), reader.end()])


def join_deltas(deltas: Sequence[ChatDelta]) -> ChatDelta:
    """Joins an answer's deltas to one."""
    return ChatDelta(
        "".join(delta.text for delta in deltas),
        "".join(delta.thinking for delta in deltas),
        next((delta.finish_reason for delta in reversed(deltas) if delta.finish_reason), ""),
        next((delta.usage for delta in reversed(deltas) if delta.usage), None),
        tuple(token for delta in deltas for token in delta.tokens),
        next((delta.server_ms for delta in reversed(deltas) if delta.server_ms), None),
    )


def parts_of(value: object, kind: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yields (kind, text) of a text or of nested parts. Skips images and the like."""
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
