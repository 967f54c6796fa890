"""“Test this server” asks the stored server, says what it found, and never shows the key."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from conversations.models import ModelServer, Tier
from streaming.operations.admin import server_test
from tests.conversations.conftest import browser
from tests.harness.processes import free_port, model_process

from .conftest import KEY, SERVERS


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a demo model server that wants the key."""
    port = free_port()
    process = model_process(tmp_path_factory.mktemp("model"), port, "--ttft", "0.05", "--api-key", KEY)
    yield port
    process.stop()


class Gossip(BaseHTTPRequestHandler):
    """Refuses every key, and quotes it; sends others to /elsewhere."""

    def do_GET(self) -> None:
        self.send_response(401 if self.path != "/version" else 307)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(f"who is {self.headers['Authorization']}?".encode())

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def gossiping() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Gossip) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def press(client: Client, server: ModelServer) -> list[str]:
    """The messages on the page that follows."""
    response = client.post(f"{SERVERS}{server.pk}/test/", follow=True)
    assert KEY not in response.content.decode()
    return [str(message) for message in response.context["messages"]]


def at(server: ModelServer, url: str, **changes: Any) -> ModelServer:
    ModelServer.objects.filter(pk=server.pk).update(url=url, **changes)
    return server


def test_a_server_that_works_tells_its_version_models_and_first_token(
    as_otto: Client, server: ModelServer, port: int
) -> None:
    works, facts = press(as_otto, at(server, f"http://127.0.0.1:{port}/v1"))

    assert works.startswith("“GPU 1” works: the first token of ")
    assert works.endswith(" s.")
    assert facts.startswith("Version ")
    assert "(32,768 tokens)" in facts


def test_a_server_that_is_known_by_its_name_works(as_otto: Client, server: ModelServer, port: int) -> None:
    """The system may know localhost by an address at which this one does not listen."""
    assert "works" in press(as_otto, at(server, f"http://localhost:{port}/v1"))[0]


def test_a_server_that_does_not_stream_is_asked_for_a_whole_answer(
    as_otto: Client, server: ModelServer, port: int
) -> None:
    assert "works: the answer of" in press(as_otto, at(server, f"http://127.0.0.1:{port}/v1", streams=False))[0]


def test_a_tier_that_wants_an_unknown_model_is_named(as_otto: Client, server: ModelServer, port: int) -> None:
    Tier.objects.create(name="Smart", slug="smart", server=server, model="no-such-model")

    said = press(as_otto, at(server, f"http://127.0.0.1:{port}/v1"))

    assert said[-1] == "The tier “Smart” wants no-such-model, which “GPU 1” does not list."


def test_a_dead_port_is_told_as_a_sentence(as_otto: Client, server: ModelServer) -> None:
    (said,) = press(as_otto, at(server, f"http://127.0.0.1:{free_port()}/v1"))

    assert said.startswith("“GPU 1” does not work. It cannot be reached (ConnectError")


def test_a_wrong_key_is_told_with_what_was_found_before(as_otto: Client, server: ModelServer, port: int) -> None:
    said, facts = press(as_otto, at(server, f"http://127.0.0.1:{port}/v1", api_key="sk-wrong"))

    assert said.startswith("“GPU 1” does not work. It answered with the error 401")
    assert facts.startswith("Version ")


def test_a_server_that_quotes_the_key_does_not_bring_it_to_the_page(as_otto: Client, server: ModelServer) -> None:
    with gossiping() as port:
        (said,) = press(as_otto, at(server, f"http://127.0.0.1:{port}/v1"))

    assert "401: who is Bearer [key]?" in said


def test_a_silent_server_is_given_up(as_otto: Client, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_test, "VERSION_TIMEOUT_S", 0.1)
    monkeypatch.setattr(server_test.try_server, "__kwdefaults__", {"streams": True, "within_s": 0.5})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (said,) = press(as_otto, at(server, f"http://127.0.0.1:{silent.getsockname()[1]}/v1"))

    assert said == "“GPU 1” does not work. It did not answer within 0.5 s."


def test_a_name_that_has_come_to_lead_to_metadata_is_not_asked(
    as_otto: Client, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [row])

    (said,) = press(as_otto, at(server, "http://gpu.example/v1"))

    assert said.startswith("“GPU 1” does not work. gpu.example resolves to 169.254.169.254")


def test_a_name_that_nobody_knows_is_told(
    as_otto: Client, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    (said,) = press(as_otto, at(server, "http://nowhere/v1"))

    assert said.endswith("The name of its host is not known (Name or service not known).")


def test_only_who_may_change_servers_may_test_them(bob: User, as_alice: Client, server: ModelServer) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="view_modelserver"))
    page, button = f"{SERVERS}{server.pk}/change/", f"{SERVERS}{server.pk}/test/"

    assert "Test this server" not in browser(bob).get(page).content.decode()
    assert browser(bob).post(button).status_code == 403
    assert as_alice.post(button).headers["Location"].startswith("/admin/login/")


def test_a_link_does_not_test_and_neither_does_another_site(as_otto: Client, otto: User, server: ModelServer) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(otto)
    button = f"{SERVERS}{server.pk}/test/"

    assert as_otto.get(button).status_code == 405
    assert strict.post(button).status_code == 403
    assert as_otto.post(f"{SERVERS}999/test/").status_code == 404


def test_the_page_has_the_button(as_otto: Client, server: ModelServer) -> None:
    assert "Test this server" in as_otto.get(f"{SERVERS}{server.pk}/change/").content.decode()
    assert "Test this server" not in as_otto.get(f"{SERVERS}add/").content.decode()
