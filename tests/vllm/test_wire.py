"""What we take for granted about the wire, held against a real server."""

import asyncio
import random
import sys
from itertools import accumulate

import msgspec
import pytest

from streaming.model_servers.vllm.client import http_client
from streaming.model_servers.vllm.events import EventStream
from streaming.model_servers.vllm.wire import DONE, ReplyReader

from .questions import brief, usual
from .servers import VllmServer, VllmSite
from .wire import body_for, deltas_of, text_of

CUTS = 12


class TokenLogprob(msgspec.Struct):
    bytes: list[int]
    logprob: float


class Logprobs(msgspec.Struct):
    content: list[TokenLogprob] = []


class Choice(msgspec.Struct):
    logprobs: Logprobs | None = None


class Chunk(msgspec.Struct):
    choices: list[Choice]


@pytest.mark.parametrize("name", ["first", "second"])
async def test_cut_after_any_chunk_the_rest_is_what_would_have_been_said(site: VllmSite, name: str) -> None:
    """At temperature 0, exactly: a chunk ends with a token, and the text up to it goes back as it came."""
    whole = [delta.text for delta in await deltas_of(site.first, body_for(usual("glaciers"))) if delta.text]
    beginnings = random.Random(7).sample(list(accumulate(whole))[:-1], CUTS)

    server = getattr(site, name)
    rests = await asyncio.gather(*(text_of(server, usual("glaciers"), begun) for begun in beginnings))

    for begun, rest in zip(beginnings, rests, strict=True):
        assert begun + rest == "".join(whole)


async def test_logprobs_tell_the_bytes_of_every_token(first: VllmServer) -> None:
    """A stream that has them reads as one without."""
    body = body_for(brief("bread"), logprobs=True, top_logprobs=2)
    events, reader = EventStream(sys.maxsize), ReplyReader(sys.maxsize)
    async with (
        http_client() as client,
        client.stream("POST", f"{first.model_server.base_url}/chat/completions", json=body, timeout=60) as response,
    ):
        payloads = [payload async for received in response.aiter_raw() for payload in events.feed(received)]

    chunks = [msgspec.json.decode(payload, type=Chunk) for payload in payloads if payload != DONE]
    tokens = [t for chunk in chunks for choice in chunk.choices if choice.logprobs for t in choice.logprobs.content]
    said = "".join(reader.read(payload).text for payload in payloads if payload != DONE)
    assert b"".join(bytes(token.bytes) for token in tokens).decode().removesuffix("<|im_end|>") == said
    assert said == await text_of(first, brief("bread"))
    assert all(token.logprob <= 0 for token in tokens)
