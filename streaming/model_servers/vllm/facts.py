"""The models that a server lists."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import msgspec

from . import clean
from .client import SHORT_TIMEOUT_S, ModelServer, ask
from .errors import BadReply

MODEL_NAME_LENGTH = 200  # characters; longer names cannot be stored with an answer


class ListedModel(msgspec.Struct, frozen=True):
    id: str
    max_model_len: int | None = None
    owned_by: str = ""


async def list_models(client: httpx.AsyncClient, server: ModelServer) -> list[ListedModel]:
    """Returns the models with a name that can be stored. Raises ModelServerError."""
    reply = await ask(client, server, "GET", f"{server.base_url}/models", SHORT_TIMEOUT_S)
    found = decode(reply)
    listed = found.get("data") if isinstance(found, dict) else found
    if not isinstance(listed, list):
        raise BadReply("a list of models that is none")
    models = [model for entry in listed if isinstance(entry, dict) and (model := listed_model(entry)).id]
    return list({model.id: model for model in models}.values())


def listed_model(entry: Mapping[str, object]) -> ListedModel:
    """``id`` is empty if the name cannot be used in a request."""
    name = clean.name(entry.get("id"), MODEL_NAME_LENGTH)
    owner = clean.label(entry.get("owned_by"), MODEL_NAME_LENGTH)
    return ListedModel(name, clean.tokens(entry.get("max_model_len")) or None, owner)


def decode(reply: bytes) -> object:
    """Raises BadReply."""
    try:
        return clean.decode(reply)
    except clean.Unreadable as error:
        raise BadReply(f"a reply that cannot be read: {error}") from error
