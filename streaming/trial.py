"""What a model server can do, found out by tiny requests. How it goes on from a beginning cannot be mistaken:

The beginning is one that no answer to the question has, and ends where only a comma can follow. A server that goes on
sends that; one that repeats sends the beginning. What sends anything else is asked again, without being told to go on:
if it says the same, it was deaf to that, whatever its model is worth.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import httpx

from conversations.models.errors import ErrorCode
from streaming.capabilities import NO, YES, Ability, Capabilities, Continuing
from streaming.vllm.client import ChatStream, ModelServer, Patience, complete
from streaming.vllm.errors import ModelServerError, Rejected, TookTooLong
from streaming.vllm.wire import Usage

logger = logging.getLogger(__name__)

QUESTION = "Count from one to twenty."
BEGINNING = "Zebra: 41, 42, 43"
GOES_ON = ","
MAX_TOKENS = 24  # some servers count what they repeat
ENOUGH = 16  # characters: what begins as alike as this is the same
PATIENCE_S = 15.0
FRESH_S = 2.0  # a finding may be used for other answers so long; later the server may have been replaced
KNOWN_KWARGS = {"chat_template_kwargs": {"enable_thinking": False}}
CONTINUING = {"continue_final_message": True, "add_generation_prompt": False}

Key = tuple[ModelServer, str, bool]  # server, model, whether it streams
Finding = asyncio.Task[Continuing]


class Trials:
    """Of one process: answers that want to know the same at the same time have one trial."""

    def __init__(self, http: httpx.AsyncClient, capabilities: Capabilities):
        self._http = http
        self._capabilities = capabilities
        self._running: dict[Key, Finding] = {}
        self._found: dict[Key, tuple[float, Continuing]] = {}

    def forget(self) -> None:
        """The next answer has a trial of its own."""
        self._found.clear()

    def continuing(self, server: ModelServer, model: str, *, streams: bool) -> Finding:
        """What the server does now; else what it was known to do, and UNKNOWN if that is not known. Never raises."""
        key = server, model, streams
        if key not in self._running:
            task = self._running[key] = asyncio.create_task(self._find(key), name=f"trial of {server.name}")
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return self._running[key]

    async def _find(self, key: Key) -> Continuing:
        server, model, streams = key
        found_at, found = self._found.get(key, (0.0, Continuing.UNKNOWN))
        if found and time.monotonic() - found_at < FRESH_S:
            return found
        try:
            found = await try_continuing(self._http, server, model, streams=streams)
        except ModelServerError as error:
            logger.info("how %s goes on from a text was not found out: %s", server.name, error.in_short)
            return self._capabilities.continuing(server, model, streams=streams)
        self._found[key] = time.monotonic(), found
        ability = Ability.CONTINUING if streams else Ability.CONTINUING_WHOLE
        self._capabilities.learn(server, model, ability, found)
        return found


async def try_continuing(http: httpx.AsyncClient, server: ModelServer, model: str, *, streams: bool) -> Continuing:
    """Raises ModelServerError if it does not answer."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": BEGINNING}],
        "max_tokens": MAX_TOKENS,
        "temperature": 0,
        "stream": streams,
        **KNOWN_KWARGS,
    }
    try:
        said = await beginning_of(http, server, body | CONTINUING)
    except Rejected as error:
        if error.code == ErrorCode.SERVER_ERROR:  # at this, or at everything
            await beginning_of(http, server, body)
        elif error.code != ErrorCode.REFUSED:
            raise
        return Continuing.REFUSES
    if said.lstrip().startswith(GOES_ON):
        return Continuing.EXACT
    if said.lstrip().startswith(BEGINNING):
        return Continuing.REPEATS
    return Continuing.ANEW if await is_deaf(http, server, body, said) else Continuing.EXACT


async def try_lists(http: httpx.AsyncClient, server: ModelServer, model: str) -> tuple[str, Usage | None]:
    """Whether content may be a list of parts, and what that cost. Raises ModelServerError."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "max_tokens": 1,
    }
    try:
        return YES, (await complete(http, server, body, PATIENCE_S)).usage
    except Rejected as error:
        if error.code == ErrorCode.REFUSED:
            return NO, None
        raise


async def try_probabilities(
    http: httpx.AsyncClient, server: ModelServer, model: str, top: int
) -> tuple[bool, Usage | None]:
    """Whether they are told, asked for in this way, and what that cost. Raises ModelServerError."""
    asked = {"logprobs": True, "top_logprobs": top}
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1, **KNOWN_KWARGS, **asked}
    try:
        reply = await complete(http, server, body, PATIENCE_S)
    except Rejected as error:
        if error.code == ErrorCode.REFUSED:
            return False, None
        raise
    return bool(reply.tokens), reply.usage


async def is_deaf(http: httpx.AsyncClient, server: ModelServer, body: dict[str, Any], said: str) -> bool:
    """It says the same if it is not told to go on. Raises ModelServerError."""
    try:
        otherwise = await beginning_of(http, server, body)
    except Rejected as error:
        if error.code == ErrorCode.REFUSED:
            return False
        raise
    return said.strip()[:ENOUGH] == otherwise.strip()[:ENOUGH]


async def beginning_of(http: httpx.AsyncClient, server: ModelServer, body: dict[str, Any]) -> str:
    """As much of the answer as tells something. Raises ModelServerError."""
    stream = ChatStream(http, server, body, f"trial-{uuid4().hex[:12]}", Patience(PATIENCE_S, PATIENCE_S))
    reading = asyncio.create_task(read_beginning(stream))
    await asyncio.wait([reading], timeout=PATIENCE_S)
    is_late = not reading.done()
    if is_late:  # not cancelled: the connection is closed, and the task ends by itself
        await stream.close()
    said = await reading
    if is_late:
        raise TookTooLong(PATIENCE_S, had_tokens=bool(said))
    return said


async def read_beginning(stream: ChatStream) -> str:
    said = ""
    async with aclosing(stream.deltas()) as deltas:
        async for delta in deltas:
            said += delta.thinking + delta.text
            if tells_enough(said.lstrip()):
                await stream.close()
    return said


def tells_enough(said: str) -> bool:
    if BEGINNING.startswith(said):
        return False
    return said.startswith((GOES_ON, BEGINNING)) or len(said) >= ENOUGH
