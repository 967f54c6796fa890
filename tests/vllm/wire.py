"""Asks a model server by our own client, without the site."""

from __future__ import annotations

from typing import Any

from streaming.model_servers.pool import Route
from streaming.model_servers.vllm.client import ChatStream, http_client
from streaming.model_servers.vllm.wire import ChatDelta
from streaming.planning.planner import ALONE
from streaming.planning.prompts import Prompt, request_body
from streaming.planning.tiers import plain

from .servers import MAX_TOKENS, MODEL, VllmServer

TIER = plain("test", 0, MODEL, ["http://127.0.0.1:9/v1"])


def body_for(question: str, begun: str = "", **fields: Any) -> dict[str, Any]:
    """As the site asks, at temperature 0 and without a system prompt; for the rest of the answer if it is ``begun``."""
    prompt = Prompt(({"role": "user", "content": question},))
    target = Route(TIER, TIER.server, MODEL)
    body = request_body(prompt, ALONE, target, begun, MAX_TOKENS)
    body["messages"] = [message for message in body["messages"] if message["role"] != "system"]
    return body | {"temperature": 0} | fields


async def deltas_of(server: VllmServer, body: dict[str, Any]) -> list[ChatDelta]:
    """The whole stream. Raises ModelServerError."""
    async with http_client() as client:
        stream = ChatStream(client, server.model_server, body, request_id="test")
        return [delta async for delta in stream.deltas()]


async def text_of(server: VllmServer, question: str, begun: str = "", **fields: Any) -> str:
    """What an uninterrupted request is answered."""
    return "".join(delta.text for delta in await deltas_of(server, body_for(question, begun, **fields)))
