"""The operators' page keeps itself fresh."""

import re

from playwright.sync_api import expect

from tests.harness.site import Site

from .conftest import Open
from .person import Person


def watching(person: Open) -> Person:
    otto = person("otto")
    otto.page.goto(f"{otto.site.url}/ops/")
    return otto


def test_a_new_generation_is_counted_by_itself_and_focus_stays(person: Open, site: Site) -> None:
    otto, alice = watching(person), person("alice")
    cost = otto.page.get_by_role("link", name="Cost")
    cost.focus()

    alice.visit()
    with site.held(10):
        alice.send_message("count to 300")

        running = otto.page.locator("dl > div").filter(has=otto.page.get_by_text("Running", exact=True))
        expect(running).to_contain_text(re.compile("[1-9]"))
        expect(cost).to_be_focused()
        alice.click("Stop")
        alice.wait_until_idle()


def test_the_page_of_latency_keeps_itself_fresh_and_its_table_open(person: Open) -> None:
    otto = person("otto")
    otto.page.goto(f"{otto.site.url}/ops/latency/?range=15m")
    otto.page.get_by_text("As a table").click()
    scope = otto.page.locator("[data-live=scope]")
    before = scope.inner_text()

    expect(scope).not_to_have_text(before)

    expect(otto.page.get_by_role("columnheader", name="p99")).to_be_visible()


def test_who_is_signed_out_is_told(person: Open) -> None:
    otto = person("otto")
    session = otto.site.sign_in("otto")  # of its own: nobody else is signed out with it
    otto.context.add_cookies([{"name": "sessionid", "value": session, "url": otto.site.url}])
    otto.page.goto(f"{otto.site.url}/ops/")

    with otto.site.visitor() as elsewhere:
        elsewhere.cookies["sessionid"] = session
        elsewhere.get("/ops/")
        elsewhere.post("/accounts/logout/", data={"csrfmiddlewaretoken": elsewhere.cookies["csrftoken"]})

    expect(otto.page.get_by_role("status")).to_contain_text("you are signed out")
    expect(otto.page.get_by_role("heading", name="Operations")).to_be_visible()


def test_figures_that_are_old_are_said_to_be_old(person: Open) -> None:
    otto = watching(person)
    otto.expected.append("ERR_INTERNET_DISCONNECTED")
    status = otto.page.get_by_role("status")

    otto.context.set_offline(True)
    expect(status).to_contain_text("Out of date: no answer for")
    otto.context.set_offline(False)

    expect(status).to_be_empty()


def test_a_page_keeps_itself_fresh(person: Open, site: Site) -> None:
    otto, alice = person("otto"), person("alice")
    otto.page.goto(f"{otto.site.url}/ops/processes/")

    alice.visit()
    with site.held(10):
        alice.send_message("count to 300")

        expect(otto.page.get_by_text(re.compile("^1 of 256$"))).to_be_visible()
        alice.click("Stop")
        alice.wait_until_idle()
    expect(otto.page.get_by_text(re.compile("^0 of 256$"))).to_be_visible()


def test_a_drain_is_seen_by_another_operator_whose_button_follows(person: Open) -> None:
    otto, other = person("otto"), person("otto")
    for operator in (otto, other):
        operator.page.goto(f"{otto.site.url}/ops/servers/")
    drain, undrain = re.compile("^Drain "), re.compile("^Undrain ")
    expect(other.page.get_by_role("button", name=undrain)).to_have_count(0)

    otto.page.get_by_role("button", name=drain).click()

    expect(otto.page.get_by_role("status").filter(has_text="gets no new requests")).to_be_visible()
    expect(other.page.get_by_role("button", name=undrain)).to_be_visible()
    other.page.get_by_role("button", name=undrain).click()
    expect(otto.page.get_by_role("button", name=drain)).to_be_visible()


def test_what_is_being_selected_is_not_replaced(person: Open) -> None:
    otto = watching(person)
    moment = otto.page.locator("[data-live=at]")
    moment.evaluate("piece => getSelection().selectAllChildren(piece)")
    before = moment.inner_text()
    for _ in range(2):
        with otto.page.expect_response("**/ops/"):
            pass

    assert moment.inner_text() == before
    otto.page.evaluate("getSelection().removeAllRanges()")
    expect(moment).not_to_have_text(before)
