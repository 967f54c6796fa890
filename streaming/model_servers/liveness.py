"""Checks whether a model server is alive: by its list of models, and for vLLM also by /health.

vLLM lists models even if its engine is dead. For other servers only the list counts: many have no /health, and
LiteLLM's requests an answer from each of its models, which costs money (docs.litellm.ai/docs/proxy/health).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from .vllm.clean import name
from .vllm.client import ModelServer, ask
from .vllm.errors import BadReply, Rejected, TookTooLong
from .vllm.facts import ListedModel, decode, list_models

VLLM = "vllm"  # owned_by of the models that vLLM lists
VERSION_LENGTH = 100
NO_SUCH_PAGE_BELOW = 500  # statuses below it: perhaps a proxy that lets only /v1 through


@dataclass(frozen=True)
class Signs:
    models: Sequence[ListedModel]
    version: str  # empty: not reported


async def signs_of(http: httpx.AsyncClient, server: ModelServer, timeout_s: float) -> Signs:
    """Raises ModelServerError if the server is not alive."""
    models = await list_models(http, server)
    version = await version_of(http, server, timeout_s)
    if version or any(model.owned_by == VLLM for model in models):
        await ask_engine(http, server, timeout_s)
    return Signs(models, version)


async def version_of(http: httpx.AsyncClient, server: ModelServer, timeout_s: float) -> str:
    """Returns an empty string if not reported: only vLLM has a version. Raises Unreachable."""
    try:
        reply = decode(await ask(http, server, "GET", f"{server.root}/version", timeout_s))
    except (Rejected, TookTooLong, BadReply):
        return ""
    return name(reply.get("version"), VERSION_LENGTH) if isinstance(reply, dict) else ""


async def ask_engine(http: httpx.AsyncClient, server: ModelServer, timeout_s: float) -> None:
    """Raises ModelServerError if the engine is dead."""
    try:
        await ask(http, server, "GET", f"{server.root}/health", timeout_s)
    except Rejected as error:
        if error.status >= NO_SUCH_PAGE_BELOW:
            raise
