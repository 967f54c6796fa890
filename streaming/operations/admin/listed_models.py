"""Asks a server for its models while an admin form is validated: a model that it does not list is refused at once."""

from __future__ import annotations

import asyncio

from asgiref.sync import async_to_sync

from conversations.catalog.addresses import RefusedAddress, normalise, resolve
from streaming.model_servers.vllm.client import ModelServer
from streaming.model_servers.vllm.errors import ModelServerError
from streaming.model_servers.vllm.facts import list_models

from .server_test import client_of

WITHIN_S = 4.0  # the user who saves the form waits for it
SHOWN_MODELS = 5
NOT_ASKED = "“{server}” cannot be asked for its models now: it is stored, and other tiers answer until it works."


def listed_models(server: ModelServer) -> list[str] | None:
    """None if the server cannot be asked: it may be started later."""
    return async_to_sync(fetch_models)(server)


async def fetch_models(server: ModelServer) -> list[str] | None:
    try:
        async with asyncio.timeout(WITHIN_S):
            addresses = await asyncio.to_thread(resolve, normalise(server.base_url))
            async with client_of(addresses, WITHIN_S) as client:
                return [model.id for model in await list_models(client, server)]
    except (TimeoutError, OSError, RefusedAddress, ModelServerError, UnicodeError):
        return None


def none_listed(server: object) -> str:
    return f"“{server}” lists no model: load one there first, or untick “enabled” to store it as it is."


def not_listed(model: str, server: object, listed: list[str]) -> str:
    more = ", …" if len(listed) > SHOWN_MODELS else ""
    return f"“{server}” does not list {model}. It lists: {', '.join(listed[:SHOWN_MODELS])}{more}."
