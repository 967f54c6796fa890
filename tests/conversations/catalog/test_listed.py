"""A model that its server does not list is refused at its field; a server that is not there yet is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from django.test import Client

from conversations.models import ModelServer, Tier

from .conftest import SERVERS, TIERS, errors_of, server_form, tier_form


@contextmanager
def listing(*models: str) -> Iterator[str]:
    """The address of a server that lists these."""

    class Listing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": [{"id": model} for model in models]}).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Listing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_a_tiers_model_must_be_listed(as_otto: Client, server: ModelServer) -> None:
    with listing("qwen3-4b") as url:
        ModelServer.objects.update(url=url)
        refused = as_otto.post(f"{TIERS}add/", tier_form(server))
        accepted = as_otto.post(f"{TIERS}add/", tier_form(server, model="qwen3-4b"))

    assert errors_of(refused) == {"model": ["“GPU 1” does not list qwen3-8b. It lists: qwen3-4b."]}
    assert accepted.status_code == 302


def test_a_server_without_a_model_is_refused_unless_it_is_disabled(as_otto: Client) -> None:
    with listing() as url:
        refused = as_otto.post(f"{SERVERS}add/", server_form(url=url))
        accepted = as_otto.post(f"{SERVERS}add/", server_form(url=url, enabled=None))

    assert errors_of(refused)["url"][0].startswith("“GPU 1” lists no model: load one there first")
    assert accepted.status_code == 302


def test_a_server_that_cannot_be_asked_is_stored_with_a_warning(as_otto: Client, server: ModelServer) -> None:
    response = as_otto.post(f"{TIERS}add/", tier_form(server), follow=True)

    assert Tier.objects.get().model == "qwen3-8b"
    assert "“GPU 1” cannot be asked for its models now" in str(next(iter(response.context["messages"])))


def test_a_refused_address_has_one_sentence(as_otto: Client) -> None:
    refused = as_otto.post(f"{SERVERS}add/", server_form(url="ftp://gpu-1/v1"))

    assert errors_of(refused) == {"url": ["The address must start with http:// or https://."]}
