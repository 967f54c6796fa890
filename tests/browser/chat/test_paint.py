"""The tab that asked tells when the first text was seen; and operators watch and stop what runs."""

import re

from playwright.sync_api import expect

from tests.harness.site import Site

from ..conftest import Open
from ..person import Person

FELT = re.compile(r"^\d+\.\d{3} s$")


def listening(one: Person) -> list[str]:
    """The paint reports that this page sends from its next connection on."""
    sent: list[str] = []

    def hear(frame: str | bytes) -> None:
        if "answer.painted" in str(frame):
            sent.append(str(frame))

    one.page.on("websocket", lambda socket: socket.on("framesent", hear))
    return sent


def latest_of(person: Open) -> Person:
    """Otto, on the page of the latest generation."""
    otto = person("otto")
    otto.page.goto(f"{otto.site.url}/ops/generations/?owner=alice")
    otto.page.get_by_role("rowheader").first.get_by_role("link").click()
    return otto


def test_the_tab_that_asked_tells_once_when_its_text_was_seen(person: Open) -> None:
    alice = person("alice")
    sent = listening(alice)
    alice.visit()

    alice.ask("count to 20")

    felt = latest_of(person).page.locator("dl.stats div").filter(has_text="Perceived TTFT").get_by_role("definition")
    expect(felt).to_have_text(FELT)
    assert len(sent) == 1


def test_a_tab_that_was_reloaded_tells_nothing(person: Open, site: Site) -> None:
    alice = person("alice")
    sent = listening(alice)
    alice.visit()

    with site.held(0):
        alice.send_message("count to 20")
        alice.page.wait_for_url("**/c/**")
        alice.reload()
    alice.wait_until_idle()
    alice.wait_for_text("20")

    assert sent == []


def test_an_operator_stops_an_answer_and_focus_stays_meanwhile(person: Open, site: Site) -> None:
    alice, otto = person("alice"), person("otto")
    alice.visit()
    with site.held(10):
        alice.send_message("count to 300")
        otto.page.goto(f"{otto.site.url}/ops/generations/?state=unfinished")
        stop = otto.page.get_by_role("button", name=re.compile("^Stop the answer")).first
        stop.focus()

        writing = otto.page.get_by_role("row", name=re.compile("alice running .* writing"))
        expect(writing).to_be_visible()
        expect(stop).to_be_focused()
        stop.press("Enter")
        alice.wait_until_idle()

    assert alice.state == "stopped"
