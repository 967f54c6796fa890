"""Which model server and model an answer comes from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from django.conf import settings

from streaming.vllm.client import ModelServer, list_models
from streaming.vllm.errors import ModelServerError, Unreachable

MODELS_KNOWN_FOR_S = 60.0
AVOIDED_FOR_S = 10.0  # after a failure, as long as another server is there


@dataclass(frozen=True)
class Target:
    """A model on a server."""

    server: ModelServer
    model: str


def configured_servers() -> list[ModelServer]:
    return [ModelServer(url.rstrip("/"), settings.VLLM_API_KEY) for url in settings.VLLM_BASE_URLS]


class ModelServers:
    """The servers as one process knows them: their models, and which failed lately."""

    def __init__(self, http: httpx.AsyncClient, servers: Sequence[ModelServer] | None = None):
        self.http = http
        self.servers = list(configured_servers() if servers is None else servers)
        self._models: dict[ModelServer, tuple[float, str]] = {}
        self._failed_at: dict[ModelServer, float] = {}

    async def choose(self, tried: Sequence[Target] = ()) -> Target:
        """The first server that is not among ``tried`` and did not fail lately, else any. Raises ModelServerError."""
        avoided = {target.server for target in tried}
        candidates = sorted(self.servers, key=lambda server: (server in avoided, self._failed_lately(server)))
        error: ModelServerError = Unreachable("no model server is configured")
        for server in candidates:
            try:
                return Target(server, await self._model_of(server))
            except ModelServerError as why:
                self.note_failure(server)
                error = why
        raise error

    def has_other(self, tried: Sequence[Target]) -> bool:
        return any(server not in {target.server for target in tried} for server in self.servers)

    def note_failure(self, server: ModelServer) -> None:
        self._failed_at[server] = time.monotonic()
        self._models.pop(server, None)

    def _failed_lately(self, server: ModelServer) -> bool:
        return time.monotonic() - self._failed_at.get(server, -AVOIDED_FOR_S) < AVOIDED_FOR_S

    async def _model_of(self, server: ModelServer) -> str:
        """VLLM_MODEL, or the first that the server lists, asked again every minute. Raises ModelServerError."""
        if settings.VLLM_MODEL:
            return str(settings.VLLM_MODEL)
        known_since, model = self._models.get(server, (0.0, ""))
        if not model or time.monotonic() - known_since > MODELS_KNOWN_FOR_S:
            listed = await list_models(self.http, server)
            if not listed:
                raise Unreachable(f"{server.name} serves no model")
            model = listed[0].id
            self._models[server] = (time.monotonic(), model)
        return model
