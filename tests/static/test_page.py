"""What surrounds the transcript."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from .conftest import ORIGIN, give

ELEMENTS = ("main", "transcript", "greeting", "title", "announcer", "deleted")
PAGE = """async (names) => {
    const { Page } = await import("/js/chat/page.js");
    const { Transcript } = await import("/js/chat/transcript.js");
    document.body.innerHTML = names.map((name) => `<div data-${name}><button data-undo></button></div>`).join("");
    const parts = Object.fromEntries(names.map((name) => [name, document.querySelector(`[data-${name}]`)]));
    parts.transcript.replaceChildren();
    window.asked = [];  // what the server has not answered yet
    const api = { html: () => new Promise((resolve) => asked.push(resolve)) };
    window.transcript = new Transcript(parts.transcript, { forms: {} });
    const tools = {
        api, transcript,
        composer: { setBusy() {} }, sidebar: { mark() {} }, frames: { request() {} },
    };
    window.page = new Page({ root: document.documentElement, ...parts }, tools);
    window.served = (...ids) => ids.map((id) => `<p data-role="user" data-message-id="${id}">${id}</p>`).join("");
    window.answer = (...ids) => asked.shift()(`<div data-transcript>${served(...ids)}</div>`);
    window.article = (id) => new DOMParser().parseFromString(served(id), "text/html").body.firstElementChild;
    page.attach({ conversation: "c", isBusy: false, update() {} });
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.route("**/*", give)
    opened.goto(f"{ORIGIN}/")
    opened.evaluate(PAGE, ELEMENTS)
    yield opened
    opened.close()


def test_a_page_that_was_fetched_before_a_question_came_does_not_take_it_away(page: Page) -> None:
    page.evaluate("() => { window.done = page.refresh(); }")

    page.evaluate("page.invalidateFetches(); transcript.showBelow(null, [article('one'), article('two')])")
    page.evaluate("answer('one')")

    page.wait_for_function("asked.length")  # it is fetched again
    assert page.locator("[data-transcript]").inner_text().split() == ["one", "two"]
    page.evaluate("answer('one', 'two', 'three')")
    page.evaluate("window.done")
    assert page.locator("[data-transcript]").inner_text().split() == ["one", "two", "three"]
