"""Finds out a model server's capabilities with tiny requests.

How it continues a text cannot be mistaken: the given beginning fits no answer to the question, and only a comma can
follow it. A server that continues sends the comma; one that repeats sends the beginning. If it sends anything else, it
is asked again, without the request to continue: the same text then means that it ignores the request, however good its
model is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
from django.conf import settings

from conversations.models.generation.errors import ErrorCode

from .capabilities import NO, REFUSED, YES, Capabilities, Capability, Continuing, Probabilities, probabilities
from .vllm.client import ChatStream, ModelServer, Patience
from .vllm.errors import ModelServerError, Rejected, TookTooLong
from .vllm.wire import ChatDelta, Usage

logger = logging.getLogger(__name__)

QUESTION = "Count from one to twenty."
BEGINNING = "Zebra: 41, 42, 43"
GOES_ON = ","
HI = [{"role": "user", "content": "Hi"}]
MAX_TOKENS = 24  # some servers count the repeated text, too
MOST_PIECES = 4 * MAX_TOKENS  # a server that sends more ignores max_tokens
ENOUGH = 16  # characters; texts that share them count as the same
PATIENCE_S = 20.0
FRESH_S = 2.0  # how long other answers may use a finding; later, the server may have been replaced
KNOWN_KWARGS = {"chat_template_kwargs": {"enable_thinking": False}}
CONTINUING = {"continue_final_message": True, "add_generation_prompt": False}

Key = tuple[ModelServer, str, bool]  # server, model, whether it streams
Finding = asyncio.Task[Continuing]


class TrialResult(NamedTuple):
    worked: bool
    usage: Usage | None  # None: not reported


class Trials:
    """The trials of one process: answers that need the same one at the same time share it."""

    def __init__(self, http: httpx.AsyncClient, capabilities: Capabilities):
        self._http = http
        self._capabilities = capabilities
        self._running: dict[Key, Finding] = {}
        self._found: dict[Key, tuple[float, Continuing]] = {}

    def forget(self) -> None:
        """Drops findings, so that the next answer starts a new trial."""
        self._found.clear()

    def continuing(self, server: ModelServer, model: str, *, streams: bool) -> Finding:
        """Finds out how the server continues now. If the trial fails, its result is the last known value, or UNKNOWN.
        Never raises."""
        key = server, model, streams
        if key not in self._running:
            task = self._running[key] = asyncio.create_task(self._find(key), name=f"trial of {server.name}")
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return self._running[key]

    def unknown(self, server: ModelServer, model: str, *, streams: bool) -> list[Capability]:
        """Returns the unknown capabilities that a trial can find out."""
        capabilities = [Capability.CONTINUING if streams else Capability.CONTINUING_WHOLE, Capability.LIST_CONTENT]
        unknown = [capability for capability in capabilities if not self._capabilities.value(server, model, capability)]
        if streams and not self._capabilities.value(server, model, Capability.USAGE):
            unknown.append(Capability.USAGE)
        reported = self._capabilities.value(server, model, Capability.PROBABILITIES)
        is_needed = settings.MEASURE_CONFIDENCE and reported in ("", Probabilities.NOT_PLAIN)
        return [*unknown, Capability.PROBABILITIES] if is_needed else unknown

    async def find_out(self, capability: Capability, server: ModelServer, model: str, *, streams: bool) -> Usage | None:
        """Returns the usage, if the server reports it. Raises ModelServerError."""
        match capability:
            case Capability.CONTINUING | Capability.CONTINUING_WHOLE:
                await self.continuing(server, model, streams=streams)
                return None
            case Capability.LIST_CONTENT:
                result = await try_lists(self._http, server, model, streams=streams)
                self._capabilities.learn(server, model, capability, YES if result.worked else NO)
                return result.usage
            case Capability.USAGE:
                return await self._find_streaming(server, model)
            case _:
                return await self._find_probabilities(server, model, streams=streams)

    async def _find_streaming(self, server: ModelServer, model: str) -> Usage | None:
        """Finds out whether it streams, and whether it reports usage at the end."""
        deltas, usage = await try_stream(self._http, server, model, usage=True), YES
        if deltas is None:
            deltas, usage = await try_stream(self._http, server, model, usage=False), REFUSED
        elif usage_in(deltas) is None:
            usage = NO
        if deltas is None:  # no streaming, unless it refuses every request
            await answer_to(self._http, server, {"model": model, "messages": HI, "max_tokens": 2})
            self._capabilities.learn(server, model, Capability.STREAMING, NO)
            return None
        self._capabilities.learn(server, model, Capability.USAGE, usage)
        if sum(bool(delta.text or delta.thinking) for delta in deltas) > 1:
            self._capabilities.learn(server, model, Capability.STREAMING, YES)
        return usage_in(deltas)

    async def _find_probabilities(self, server: ModelServer, model: str, *, streams: bool) -> Usage | None:
        usage = None
        while (top := self._capabilities.top_logprobs(server, model)) is not None:
            reported, usage = await try_probabilities(self._http, server, model, top, streams=streams)
            self._capabilities.learn(server, model, Capability.PROBABILITIES, probabilities(top, reported=reported))
            if reported:
                break
        return usage

    async def _find(self, key: Key) -> Continuing:
        server, model, streams = key
        found_at, found = self._found.get(key, (0.0, Continuing.UNKNOWN))
        if found and time.monotonic() - found_at < FRESH_S:
            return found
        try:
            found = await try_continuing(self._http, server, model, streams=streams)
        except ModelServerError as error:
            logger.info("whether %s can continue a text is still unknown: %s", server.name, error.in_short)
            return self._capabilities.continuing(server, model, streams=streams)
        self._found[key] = time.monotonic(), found
        capability = Capability.CONTINUING if streams else Capability.CONTINUING_WHOLE
        self._capabilities.learn(server, model, capability, found)
        return found


async def try_continuing(http: httpx.AsyncClient, server: ModelServer, model: str, *, streams: bool) -> Continuing:
    """Raises ModelServerError if the server does not answer."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": BEGINNING}],
        "max_tokens": MAX_TOKENS,
        "temperature": 0,
        "stream": streams,
        **KNOWN_KWARGS,
    }
    try:
        said = text_of(await answer_to(http, server, body | CONTINUING, is_telling))
    except Rejected as error:
        if error.code == ErrorCode.SERVER_ERROR:  # for this request, or for every one?
            await answer_to(http, server, body, is_telling)
        elif error.code != ErrorCode.REFUSED:
            raise
        return Continuing.REFUSES
    if said.startswith(GOES_ON):
        return Continuing.EXACT
    if said.startswith(BEGINNING):
        return Continuing.REPEATS
    return Continuing.ANEW if await is_deaf(http, server, body, said) else Continuing.EXACT


async def try_lists(http: httpx.AsyncClient, server: ModelServer, model: str, *, streams: bool) -> TrialResult:
    """Tests whether content may be a list of parts. Raises ModelServerError."""
    parts = [{"type": "text", "text": "Hi"}]
    body = {"model": model, "messages": [{"role": "user", "content": parts}], "max_tokens": 1, "stream": streams}
    try:
        return TrialResult(True, usage_in(await answer_to(http, server, body)))
    except Rejected as error:
        if error.code == ErrorCode.REFUSED:
            return TrialResult(False, None)
        raise


async def try_stream(
    http: httpx.AsyncClient, server: ModelServer, model: str, *, usage: bool
) -> list[ChatDelta] | None:
    """Streams two tokens; None if the server refuses to stream. Raises ModelServerError, also for other refusals."""
    body = {"model": model, "messages": HI, "max_tokens": 2, "stream": True}
    try:
        return await answer_to(http, server, body | ({"stream_options": {"include_usage": True}} if usage else {}))
    except Rejected as error:
        if error.code == ErrorCode.REFUSED and "stream" in str(error).lower():
            return None
        raise


async def try_probabilities(
    http: httpx.AsyncClient, server: ModelServer, model: str, top: int, *, streams: bool
) -> TrialResult:
    """Tests whether probabilities are reported with this ``top``. Raises ModelServerError, also for other refusals."""
    body = {"model": model, "messages": HI, "max_tokens": 1, "stream": streams}
    try:
        deltas = await answer_to(http, server, body | {"logprobs": True, "top_logprobs": top})
    except Rejected as error:
        if error.code == ErrorCode.REFUSED and "logprob" in str(error).lower():
            return TrialResult(False, None)
        raise
    return TrialResult(any(one.logprob is not None for delta in deltas for one in delta.tokens), usage_in(deltas))


def usage_in(deltas: Sequence[ChatDelta]) -> Usage | None:
    return next((delta.usage for delta in deltas if delta.usage), None)


async def is_deaf(http: httpx.AsyncClient, server: ModelServer, body: dict[str, Any], said: str) -> bool:
    """True if the server sends the same text when not asked to continue. Raises ModelServerError."""
    try:
        otherwise = text_of(await answer_to(http, server, body, is_telling))
    except Rejected as error:
        if error.code == ErrorCode.REFUSED:
            return False
        raise
    return said.strip()[:ENOUGH] == otherwise.strip()[:ENOUGH]


async def answer_to(
    http: httpx.AsyncClient, server: ModelServer, body: dict[str, Any], enough: Callable[[str], bool] = lambda _: False
) -> list[ChatDelta]:
    """Returns the answer's deltas, until its text is ``enough``. Raises ModelServerError."""
    patience = min(PATIENCE_S, settings.VLLM_FIRST_TOKEN_TIMEOUT_S)
    stream = ChatStream(http, server, body, f"trial-{uuid4().hex[:12]}", Patience(patience, patience))
    reading = asyncio.create_task(read(stream, enough))
    await asyncio.wait([reading], timeout=patience)
    if is_late := not reading.done():  # not cancelled: closing the connection lets the task end by itself
        await stream.close()
    deltas = await reading
    if is_late:
        raise TookTooLong(patience, had_tokens=bool(deltas))
    return deltas


async def read(stream: ChatStream, enough: Callable[[str], bool]) -> list[ChatDelta]:
    came = []
    async with aclosing(stream.deltas()) as deltas:
        async for delta in deltas:
            came.append(delta)
            if len(came) == MOST_PIECES or enough(text_of(came)):
                await stream.close()
    return came


def text_of(deltas: Sequence[ChatDelta]) -> str:
    """Includes thinking: a reasoning parser may take the continuation for it."""
    return "".join(delta.thinking + delta.text for delta in deltas).lstrip()


def is_telling(said: str) -> bool:
    if BEGINNING.startswith(said):
        return False
    return said.startswith((GOES_ON, BEGINNING)) or len(said) >= ENOUGH
