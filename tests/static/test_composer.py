"""While an answer is written nothing is sent: the composer says why, for as long as that is so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page

from .conftest import ORIGIN, give

COMPOSER = """
document.body.innerHTML = `<form data-limit="100">
  <span data-sentence></span><button type="button" data-restore hidden></button>
  <textarea data-input></textarea><button data-send></button><button type="button" data-stop hidden></button>
  <p data-count></p>
</form>`;
window.sent = [];
const { Composer } = await import("/js/chat/composer.js");
const onSend = (text) => sent.push(text);
window.composer = new Composer(document.querySelector("form"), { draft: { text: "" }, onSend, onStop: () => {} });
composer.setBusy(true);
"""
BUSY = "An answer is still being written. Wait for it to finish, or stop it first."


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Its composer waits for the end of an answer."""
    page = browser.new_page()
    page.route("**/*", give)
    page.goto(f"{ORIGIN}/")
    page.evaluate(f"async () => {{ {COMPOSER} }}")
    yield page
    page.close()


@pytest.fixture
def box(page: Page) -> Locator:
    return page.locator("textarea")


def said(page: Page) -> str:
    return page.locator("[data-sentence]").inner_text()


def test_what_cannot_be_sent_yet_stays_and_is_explained(page: Page, box: Locator) -> None:
    box.fill("More")
    box.press("Enter")

    assert (said(page), box.input_value(), page.evaluate("sent")) == (BUSY, "More", [])


def test_enter_in_an_empty_box_says_nothing(page: Page, box: Locator) -> None:
    box.press("Enter")

    assert said(page) == ""


def test_the_explanation_goes_with_the_answer(page: Page) -> None:
    page.evaluate("(sentence) => composer.refuse(sentence)", BUSY)
    page.evaluate("composer.setBusy(false)")

    assert said(page) == ""


def test_what_was_refused_for_another_reason_stays_said(page: Page) -> None:
    page.evaluate("composer.refuse('Too much.')")
    page.evaluate("composer.setBusy(false)")

    assert said(page) == "Too much."


def test_text_that_was_refused_stays_on_offer(page: Page, box: Locator) -> None:
    box.fill("Something new")
    page.evaluate("(sentence) => composer.refuse(sentence, 'What was sent')", BUSY)
    page.evaluate("composer.setBusy(false)")
    page.locator("[data-restore]").click()

    assert box.input_value() == "What was sent"
