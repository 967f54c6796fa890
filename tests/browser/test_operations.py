"""The operators' page keeps itself fresh."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.person import Person

PATIENCE_MS = 15_000


def watching(person: Open) -> Person:
    otto = person("otto")
    otto.page.goto(f"{otto.site.url}/ops/")
    return otto


def test_a_new_generation_appears_by_itself_and_focus_stays(person: Open) -> None:
    otto, alice = watching(person), person("alice")
    failed = otto.page.get_by_role("link", name="Failed")
    failed.focus()

    alice.visit()
    alice.send_message("[[demo rate=20]] Tell me a long story")

    row = otto.page.get_by_role("row", name=re.compile("alice running"))
    expect(row).to_be_visible(timeout=PATIENCE_MS)
    expect(row.get_by_role("img", name=re.compile("^queued .* writing"))).to_be_visible(timeout=PATIENCE_MS)
    expect(failed).to_be_focused()


def test_the_page_of_latency_keeps_itself_fresh_and_its_table_open(person: Open) -> None:
    otto = person("otto")
    otto.page.goto(f"{otto.site.url}/ops/latency/?range=15m")
    otto.page.get_by_text("As a table").click()
    scope = otto.page.locator("[data-live=scope]")
    before = scope.inner_text()

    expect(scope).not_to_have_text(before, timeout=PATIENCE_MS)

    expect(otto.page.get_by_role("columnheader", name="p99")).to_be_visible()


def test_who_is_signed_out_is_told(person: Open) -> None:
    otto = watching(person)

    otto.context.clear_cookies()

    expect(otto.page.get_by_role("status")).to_contain_text("you are signed out", timeout=PATIENCE_MS)
    expect(otto.page.get_by_role("heading", name="Operations")).to_be_visible()


def test_figures_that_are_old_are_said_to_be_old(person: Open) -> None:
    otto = watching(person)
    otto.expected.append("ERR_INTERNET_DISCONNECTED")
    status = otto.page.get_by_role("status")

    otto.context.set_offline(True)
    expect(status).to_contain_text("Old: no answer for", timeout=PATIENCE_MS)
    otto.context.set_offline(False)

    expect(status).to_be_empty(timeout=PATIENCE_MS)
