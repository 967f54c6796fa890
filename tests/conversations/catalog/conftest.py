"""Otto with staff status, a server with a key, and what its form sends."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import ModelServer

KEY = "sk-only-for-the-server"
SERVERS = "/admin/conversations/modelserver/"
TIERS = "/admin/conversations/tier/"


@pytest.fixture
def server(db: None) -> ModelServer:
    return ModelServer.objects.create(name="GPU 1", url="http://127.0.0.1:9/v1", api_key=KEY)


def server_form(**changes: Any) -> dict[str, Any]:
    """Ticked boxes are "on"; None leaves a field out."""
    form = {"name": "GPU 1", "url": "http://127.0.0.1:9/v1", "api_key": "", "max_parallel": "", "enabled": "on"}
    return {name: value for name, value in {**form, "streams": "on", **changes}.items() if value is not None}


def tier_form(server: ModelServer, /, **changes: Any) -> dict[str, Any]:
    form = {"name": "Smart", "slug": "smart", "order": "2", "server": str(server.pk), "model": "qwen3-8b"}
    prices = {"price_in": "0.5", "price_out": "1.5"}
    limits = {"context_length": "32768", "temperature": "0.6", "top_p": "0.9", "max_tokens": "2048"}
    waits = {"first_token_timeout_s": "30", "silence_timeout_s": "10", "enabled": "on"}
    return {**form, **prices, **limits, **waits, "caches": "zero", **changes}


def errors_of(response: Any) -> dict[str, list[str]]:
    """By field; empty if it was stored."""
    return dict(response.context["adminform"].form.errors) if response.status_code == 200 else {}
