"""What may be typed for a model server. Each refusal is a sentence at its field, and nothing is stored."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.test import Client

from conversations.models import ModelServer

from .conftest import KEY, SERVERS, errors_of, server_form


def metadata(host: str, port: int, **_: Any) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", port))]


def unknown(*_: Any, **__: Any) -> list[Any]:
    raise socket.gaierror(-2, "Name or service not known")


def test_a_server_is_stored_with_its_key(as_otto: Client) -> None:
    as_otto.post(f"{SERVERS}add/", server_form(url="http://127.0.0.1:9", api_key=KEY, max_parallel="8", streams=None))

    server = ModelServer.objects.get()
    assert (server.name, server.url, server.api_key) == ("GPU 1", "http://127.0.0.1:9/v1", KEY)
    assert (server.enabled, server.max_parallel, server.streams) == (True, 8, False)


def test_a_name_turns_no_sentence_around(as_otto: Client) -> None:
    as_otto.post(f"{SERVERS}add/", server_form(name="GPU\u202e 1"))

    assert ModelServer.objects.get().name == "GPU 1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "\u202e\u200b"),
        ("url", ""),
        ("url", "gpu:8000"),
        ("url", "http://user:secret@gpu/v1"),
        ("url", "http://169.254.169.254/v1"),
        ("url", "http://[fe80::1]/v1"),
        ("api_key", "two words"),
        ("api_key", "schlüssel"),
        ("max_parallel", "0"),
        ("max_parallel", "-1"),
    ],
)
def test_bad_input_is_refused_at_its_field(as_otto: Client, field: str, value: str) -> None:
    errors = errors_of(as_otto.post(f"{SERVERS}add/", server_form(**{field: value})))

    assert list(errors) == [field]
    assert errors[field][0].endswith(".")
    assert not ModelServer.objects.exists()


def test_a_name_that_leads_to_metadata_is_refused(as_otto: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", metadata)

    errors = errors_of(as_otto.post(f"{SERVERS}add/", server_form(url="http://gpu.example/v1")))

    assert "gpu.example resolves to 169.254.169.254" in errors["url"][0]


def test_a_name_that_nobody_knows_yet_is_stored(as_otto: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    as_otto.post(f"{SERVERS}add/", server_form(url="http://later/v1"))

    assert ModelServer.objects.get().url == "http://later/v1"


def test_two_servers_do_not_share_a_name(as_otto: Client, server: ModelServer) -> None:
    assert list(errors_of(as_otto.post(f"{SERVERS}add/", server_form()))) == ["name"]
