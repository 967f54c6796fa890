"""When a connection is taken for dead, and what is done then: with a network that is made here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from .conftest import ORIGIN, give

NETWORK = """
window.states = [];
window.sockets = [];
window.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  sent = [];
  constructor() { sockets.push(this); }
  send(data) { this.sent.push(JSON.parse(data).type); }
  close() {}
};
window.hear = (type) => sockets.at(-1).onmessage({ data: JSON.stringify({ type }) });
const { Socket } = await import("/js/connection/socket.js");
window.socket = new Socket(() => "ws://page.test/", { onEvent: () => {}, onState: (state) => states.push(state) });
socket.open();
hear("hello");
"""
STOP = {"type": "answer.stop", "generation": "g"}


class Connection:
    """The page's, open; its time passes when the test says so."""

    def __init__(self, page: Page):
        self.page = page

    def happen(self, name: str) -> None:
        self.page.evaluate("(name) => dispatchEvent(new Event(name))", name)

    def ask(self, message: dict[str, Any]) -> None:
        self.page.evaluate("(message) => socket.request(message)", message)

    def hear(self, type: str) -> None:
        self.page.evaluate("(type) => hear(type)", type)

    def close(self, code: int) -> None:
        self.page.evaluate("(code) => sockets.at(-1).onclose({ code })", code)

    def wait(self, seconds: float) -> None:
        self.page.clock.run_for(seconds * 1000)

    @property
    def state(self) -> str:
        return str(self.page.evaluate("states.at(-1)"))

    @property
    def tried(self) -> int:
        """Sockets so far."""
        return int(self.page.evaluate("sockets.length"))

    @property
    def pings(self) -> int:
        return int(self.page.evaluate("sockets.at(-1).sent.filter((type) => type === 'ping').length"))


@pytest.fixture
def connection(browser: Browser) -> Iterator[Connection]:
    page = browser.new_page()
    page.route("**/*", give)
    page.clock.install(time="2029-12-31")
    page.goto(f"{ORIGIN}/")
    page.clock.pause_at("2030-01-01")
    page.evaluate(f"async () => {{ {NETWORK} }}")
    yield Connection(page)
    page.close()


def test_a_network_that_goes_away_is_told_at_once(connection: Connection) -> None:
    connection.happen("offline")

    assert connection.state == "reconnecting"


def test_a_network_that_comes_back_is_used_at_once(connection: Connection) -> None:
    connection.happen("offline")
    connection.wait(60)
    tried = connection.tried

    connection.happen("online")

    assert connection.tried == tried + 1


@pytest.mark.parametrize("event", ["online", "visibilitychange"])
def test_an_open_connection_that_says_nothing_after_a_change_of_network_is_replaced(
    connection: Connection, event: str
) -> None:
    connection.page.evaluate("(name) => document.dispatchEvent(new Event(name, { bubbles: true }))", event)
    assert (connection.pings, connection.state) == (1, "open")

    connection.wait(5)

    assert (connection.tried, connection.state) == (2, "reconnecting")


def test_a_connection_that_answers_its_test_stays(connection: Connection) -> None:
    connection.happen("online")
    connection.hear("pong")
    connection.wait(15)

    assert (connection.tried, connection.state) == (1, "open")


def test_a_click_that_nothing_answers_tests_the_connection(connection: Connection) -> None:
    connection.ask(STOP)
    connection.wait(3)
    assert (connection.pings, connection.state) == (1, "open")

    connection.wait(5)

    assert (connection.tried, connection.state) == (2, "reconnecting")


def test_a_click_that_is_answered_tests_nothing(connection: Connection) -> None:
    connection.ask(STOP)
    connection.hear("answer.finished")
    connection.wait(15)

    assert (connection.tried, connection.pings) == (1, 0)


def test_what_has_ended_for_good_is_not_begun_again_by_a_network(connection: Connection) -> None:
    connection.close(4404)
    connection.happen("offline")
    connection.happen("online")
    connection.wait(60)

    assert (connection.tried, connection.state) == (1, "closed")
