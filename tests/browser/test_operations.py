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


def test_a_new_generation_is_counted_by_itself_and_focus_stays(person: Open) -> None:
    otto, alice = watching(person), person("alice")
    cost = otto.page.get_by_role("link", name="Cost")
    cost.focus()

    alice.visit()
    alice.send_message("[[demo rate=20]] Tell me a long story")

    running = otto.page.locator("dl > div").filter(has=otto.page.get_by_text("Running", exact=True))
    expect(running).to_contain_text(re.compile("[1-9]"), timeout=PATIENCE_MS)
    expect(cost).to_be_focused()


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
