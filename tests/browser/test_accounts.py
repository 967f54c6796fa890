"""What a browser keeps belongs to an account: it never serves the next person who signs in there."""

import re

from playwright.sync_api import expect

from tests.harness.site import Site

from .conftest import Open
from .person import Person

KEPT = "[...Object.keys(localStorage), ...Object.keys(sessionStorage)].join()"


def come_as(person: Person, name: str, session: str = "") -> str:
    """This browser gets a session of its own for somebody: nobody else is signed out with it."""
    session = session or str(person.site.sign_in(name))
    person.context.add_cookies([{"name": "sessionid", "value": session, "url": person.site.url}])
    return session


def end_elsewhere(site: Site, session: str) -> None:
    with site.visitor() as elsewhere:
        elsewhere.cookies["sessionid"] = session
        elsewhere.get("/settings/")
        elsewhere.post("/accounts/logout/", data={"csrfmiddlewaretoken": elsewhere.cookies["csrftoken"]})


def test_a_question_that_waits_never_goes_to_the_next_person(person: Open, site: Site) -> None:
    alice = person()
    alice.expected += ["WebSocket", "ERR_CONNECTION"]
    alice.visit()
    session = site.sign_in("bob")
    site.web.kill()
    alice.page.wait_for_selector("html[data-connection=reconnecting]")
    alice.send_message("Alice's secret wish")
    come_as(alice, "bob", session)

    site.web = site.start_web()

    expect(alice.page.locator("[data-account] summary")).to_contain_text("bob")
    alice.wait_until_connected()
    assert "outbox" not in alice.page.evaluate(KEPT)
    with site.visitor("bob") as visitor:
        assert "secret wish" not in visitor.get("/settings/export/json/").text


def test_signing_out_takes_what_was_kept_and_closes_the_other_tabs(person: Open) -> None:
    alice = person()
    alice.expected.append("WebSocket")
    come_as(alice, "alice")
    alice.visit()
    tab = alice.new_tab()
    tab.goto(alice.site.url)
    tab.wait_for_selector("html[data-connection=open]")
    alice.composer.fill("half a thought")
    alice.page.locator("[data-account] summary").click()

    alice.click("Sign out")

    expect(tab).to_have_url(re.compile("/accounts/login/"))
    alice.page.wait_for_function("!localStorage.length && !sessionStorage.length")


def test_a_draft_waits_for_its_writer_and_for_nobody_else(person: Open, site: Site) -> None:
    alice = person()
    alice.expected += ["WebSocket"]
    session = come_as(alice, "alice")
    alice.visit()
    alice.composer.fill("half a thought")

    end_elsewhere(site, session)

    expect(alice.page).to_have_url(re.compile("/accounts/login/"))
    come_as(alice, "alice")
    alice.visit()
    expect(alice.composer).to_have_value("half a thought")
    come_as(alice, "bob")
    alice.visit()
    expect(alice.composer).to_have_value("")
    assert "draft" not in alice.page.evaluate(KEPT)
