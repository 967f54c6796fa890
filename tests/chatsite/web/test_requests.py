"""What is refused while it comes in: too long, too slow, or at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django import Settings
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from chatsite.web.requests import READS_ON_S, Channel
from streaming.chat.shutdown import shutting_down

LIMIT = 1000


class Transport(StringTransport):
    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True
        self.protocol.connectionLost(Failure(ConnectionDone()))  # type: ignore[attr-defined]


class Server:
    """As far as connections know it: it takes requests, and answers none."""

    root_path = ""
    server_name = ""
    request_buffer_size = 8192
    proxy_forwarded_address_header = None

    def __init__(self) -> None:
        self.channels: set[Channel] = set()
        self.taken: list[str] = []

    def protocol_connected(self, protocol: Any) -> None: ...

    def protocol_disconnected(self, protocol: Any) -> None: ...

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        self.taken.append(scope["root_path"] + scope["path"])
        return SimpleNamespace(put_nowait=lambda message: None)


class Visitor:
    def __init__(self) -> None:
        self.clock, self.server, self.transport = Clock(), Server(), Transport()
        self.channel = Channel()
        self.channel.factory = SimpleNamespace(server=self.server)
        self.channel.callLater, self.channel.timeOut = self.clock.callLater, 60  # type: ignore[method-assign]
        self.transport.protocol = self.channel  # type: ignore[attr-defined]
        self.channel.makeConnection(self.transport)

    def send(self, *lines: str, body: bytes = b"") -> None:
        self.channel.dataReceived("\r\n".join([*lines, "Host: localhost", "", ""]).encode() + body)

    @property
    def answer(self) -> tuple[int, str]:
        """Status and body; 0 if there is none."""
        head, _, body = self.transport.value().decode().partition("\r\n\r\n")
        return (int(head.split()[1]) if head else 0), body


@pytest.fixture
def visitor(settings: Settings) -> Visitor:
    settings.REQUEST_MAX_BYTES, settings.REQUEST_MAX_BYTES_AT = LIMIT, {"/files/": 2 * LIMIT}
    return Visitor()


@pytest.fixture
def ending() -> Iterator[None]:
    shutting_down.set()
    yield
    shutting_down.clear()


@pytest.mark.parametrize("path", ["/", "/nothing/", "/static/x.css", "/files", "*"])
def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes(visitor: Visitor, path: str) -> None:
    visitor.send(f"POST {path} HTTP/1.1", f"Content-Length: {LIMIT + 1}", "Expect: 100-continue")

    status, sentence = visitor.answer
    assert (status, sentence.count("1,000 bytes")) == (413, 1)
    assert visitor.server.taken == []


def test_a_body_that_does_not_say_how_long_it_is_is_counted(visitor: Visitor) -> None:
    visitor.send("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=b"400\r\n" + b"x" * 0x400 + b"\r\n")

    assert visitor.answer[0] == 413


def test_nothing_of_a_refused_body_is_stored_and_the_rest_is_read_for_a_moment(visitor: Visitor) -> None:
    visitor.send("POST / HTTP/1.1", f"Content-Length: {100 * LIMIT}")
    (request,) = visitor.channel.requests

    for _ in range(50):
        visitor.channel.dataReceived(b"x" * LIMIT)
    assert request.content.getvalue() == b""
    assert not visitor.transport.aborted

    visitor.clock.advance(READS_ON_S)
    assert visitor.transport.aborted
    assert visitor.server.channels == set()


def test_a_refused_body_that_ends_closes_the_connection_at_once(visitor: Visitor) -> None:
    visitor.send("POST / HTTP/1.1", f"Content-Length: {LIMIT + 1}", body=b"x" * (LIMIT + 1))

    assert visitor.transport.disconnecting
    assert visitor.server.taken == []


def test_programs_are_refused_in_the_apis_own_form(visitor: Visitor) -> None:
    visitor.send("POST /api/v1/conversations HTTP/1.1", f"Content-Length: {LIMIT + 1}")

    status, body = visitor.answer
    assert (status, json.loads(body)["error"]["code"]) == (413, "too_large")


def test_an_address_that_takes_more_takes_more(visitor: Visitor) -> None:
    visitor.send("POST /files/new HTTP/1.1", f"Content-Length: {2 * LIMIT}", body=b"x" * 2 * LIMIT)

    assert visitor.answer[0] == 0
    assert visitor.server.taken == ["/files/new"]


def test_a_body_of_the_longest_length_is_taken(visitor: Visitor) -> None:
    visitor.send("POST / HTTP/1.1", f"Content-Length: {LIMIT}", body=b"x" * LIMIT)

    assert visitor.server.taken == ["/"]


@pytest.mark.parametrize(
    "lines",
    [
        [b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n"],
        [b"GET /" + b"x" * 1000] * 20,
        [b"GET / HTTP/1.1\r\n", b"Cookie: " + b"x" * 20_000 + b"\r\n"],
        [b"GET / HTTP/1.1\r\n", *[b"Cookie: " + b"x" * 1000 + b"\r\n"] * 20],
    ],
    ids=["address", "trickling address", "header", "headers"],
)
def test_headers_that_are_too_long_are_refused_and_the_rest_is_read(visitor: Visitor, lines: list[bytes]) -> None:
    for line in [*lines, b"\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"]:
        visitor.channel.dataReceived(line)

    assert visitor.transport.value().count(b"HTTP/1.1") == 1
    assert visitor.answer[0] == 431
    assert visitor.server.taken == []
    assert not visitor.transport.disconnecting

    visitor.clock.advance(READS_ON_S)
    assert visitor.transport.aborted


@pytest.mark.parametrize("begun", [b"", b"GET / HTT", b"POST / HTTP/1.1\r\nContent-Length: 900\r\n\r\nx"])
def test_a_request_that_trickles_is_given_up(visitor: Visitor, settings: Settings, begun: bytes) -> None:
    visitor.channel.dataReceived(begun) if begun else None

    for _ in range(int(settings.REQUEST_TIMEOUT_S)):
        visitor.clock.advance(1)
        if begun.endswith(b"x") and not visitor.transport.disconnecting:
            visitor.channel.dataReceived(b"x")

    assert visitor.transport.disconnecting
    assert visitor.answer[0] == (408 if begun.endswith(b"x") else 0)


def test_a_request_that_is_being_answered_may_take_its_time(visitor: Visitor, settings: Settings) -> None:
    visitor.send("GET / HTTP/1.1")

    visitor.clock.advance(10 * settings.REQUEST_TIMEOUT_S)

    assert not visitor.transport.disconnecting


def test_a_long_form_is_left_to_django(visitor: Visitor) -> None:
    form = "Content-Type: application/x-www-form-urlencoded"
    visitor.send("POST / HTTP/1.1", form, f"Content-Length: {LIMIT}", body=b"a&" * (LIMIT // 2))

    assert visitor.channel.requests[0].args == {}


def test_a_visitor_does_not_say_where_the_site_is_mounted(visitor: Visitor) -> None:
    """Else an address that a proxy refuses could be asked for by another one."""
    visitor.send("GET /x/metrics HTTP/1.1", "Daphne-Root-Path: /x")

    assert visitor.server.taken == ["/x/metrics"]


def test_a_process_that_ends_takes_no_socket(visitor: Visitor, ending: None) -> None:
    visitor.send("GET /ws/chat/new/ HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")

    assert visitor.answer[0] == 503
    assert visitor.transport.disconnecting


def test_a_process_that_ends_answers_and_closes(visitor: Visitor, ending: None) -> None:
    visitor.send("GET / HTTP/1.1")
    (request,) = visitor.channel.requests
    request.handle_reply({"type": "http.response.start", "status": 200, "headers": []})

    assert request.responseHeaders.getRawHeaders(b"Connection") == [b"close"]
    assert visitor.channel.persistent == 0
