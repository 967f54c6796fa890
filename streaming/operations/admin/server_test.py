"""Tests a model server: asks for its version, its models and one token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx

from conversations.catalog.addresses import RefusedAddress, normalise, resolve
from streaming.model_servers.liveness import version_of
from streaming.model_servers.vllm.addressed import Addressed
from streaming.model_servers.vllm.client import ChatStream, ModelServer, Patience, complete
from streaming.model_servers.vllm.errors import BadReply, ModelServerError, Rejected, TookTooLong, Unreachable
from streaming.model_servers.vllm.facts import ListedModel, list_models

WITHIN_S = 9.0  # for the whole test; the user who clicked waits for it
VERSION_TIMEOUT_S = 2.0
SHOWN_MODELS = 10
SHOWN_LENGTH = 300  # characters of a server's text
QUESTION = "Say hello."


@dataclass
class Findings:
    """Filled step by step, so earlier findings remain when a later step fails."""

    version: str = ""  # empty: not reported; only vLLM has one
    models: list[ListedModel] = field(default_factory=list)
    asked: str = ""  # the model
    first_token_s: float | None = None  # if the server does not stream: of the whole answer
    error: str = ""  # a sentence

    @property
    def facts(self) -> str:
        """Sentences; empty if there are none."""
        shown = ", ".join(describe(model) for model in self.models[:SHOWN_MODELS])
        more = f" and {len(self.models) - SHOWN_MODELS} more" if len(self.models) > SHOWN_MODELS else ""
        facts = [self.version and f"Version {cut(self.version)}.", shown and f"Models: {shown}{more}."]
        return " ".join(fact for fact in facts if fact)


async def try_server(
    server: ModelServer, preferred: Sequence[str] = (), *, streams: bool = True, within_s: float = WITHIN_S
) -> Findings:
    """Asks the first of the ``preferred`` models that the server lists, else the first one listed. Never raises."""
    findings = Findings()
    try:
        async with asyncio.timeout(within_s):
            addresses = await asyncio.to_thread(resolve, normalise(server.base_url))
            async with client_of(addresses, within_s) as client:
                await fill(findings, client, server, preferred, streams)
    except TimeoutError:
        findings.error = f"It did not answer within {within_s:g} s."
    except OSError as error:
        findings.error = f"The name of its host is not known ({error.strerror})."
    except UnicodeError:
        findings.error = "It answers with text that is no UTF-8."
    except (RefusedAddress, ModelServerError) as error:
        findings.error = sentence_of(error)
    return findings


def client_of(addresses: Sequence[str], timeout_s: float) -> httpx.AsyncClient:
    """Follows no redirects, so that the key goes nowhere else."""
    return httpx.AsyncClient(
        transport=Addressed(addresses), trust_env=False, follow_redirects=False, timeout=timeout_s,
        headers={"Accept-Encoding": "identity"},
    )  # fmt: skip


async def fill(
    findings: Findings, client: httpx.AsyncClient, server: ModelServer, preferred: Sequence[str], streams: bool
) -> None:
    """Raises ModelServerError."""
    findings.version = await version_of(client, server, VERSION_TIMEOUT_S)
    findings.models = await list_models(client, server)
    listed = [model.id for model in findings.models]
    if not listed:
        raise BadReply("it lists no model")
    findings.asked = next((model for model in preferred if model in listed), listed[0])
    body = {"model": findings.asked, "messages": [{"role": "user", "content": QUESTION}], "max_tokens": 1}
    begun = time.monotonic()
    if streams:
        await first_token(client, server, {**body, "stream": True})
    else:
        await complete(client, server, body, WITHIN_S)
    findings.first_token_s = time.monotonic() - begun


async def first_token(client: httpx.AsyncClient, server: ModelServer, body: dict[str, Any]) -> None:
    """Returns once the first token has arrived. Raises ModelServerError."""
    stream = ChatStream(client, server, body, request_id="test", patience=Patience(WITHIN_S, WITHIN_S))
    async with aclosing(stream.deltas()) as deltas:
        async for delta in deltas:
            if stream.is_whole:
                raise BadReply("it does not stream; switch that off above")
            # A token may have no text; then only the reached limit shows it.
            if delta.text or delta.thinking or delta.finish_reason == "length":
                return
    raise BadReply("its stream ended without a token")


def sentence_of(error: RefusedAddress | ModelServerError) -> str:
    match error:
        case Unreachable():
            return f"It cannot be reached ({cut(str(error))})."
        case TookTooLong():
            return "It did not answer in time."
        case Rejected():
            return f"It answered with the error {cut(str(error))}."
        case BadReply():
            return f"It does not answer as a model server does: {cut(str(error))}."
    return str(error)


def describe(model: ListedModel) -> str:
    return cut(model.id) + (f" ({model.max_model_len:,} tokens)" if model.max_model_len else "")


def cut(text: str) -> str:
    text = text.rstrip(". ")
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…"
