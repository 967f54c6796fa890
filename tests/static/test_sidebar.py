"""The list of conversations goes on when it is refreshed under the user's hands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import ORIGIN, give

ENTRY = """<li data-entry="{0}"><a href="/c/{0}/"><span data-title>Chat {0}</span></a>
<button data-more>More</button></li>"""
SIDEBAR = """async (entries) => {
    const { Sidebar } = await import("/js/sidebar/sidebar.js");
    document.body.innerHTML = `<input data-search><ul data-list data-url="/sidebar/">${entries}</ul>
        <div data-menu popover><span data-pin-label></span><button data-choice="rename">Rename</button></div>`;
    const [search, list, menu] = ["search", "list", "menu"].map((name) => document.querySelector(`[data-${name}]`));
    window.served = entries;
    window.posted = [];
    const api = { html: async () => served, post: async (url, { title }) => void posted.push([url, title]) };
    window.sidebar = new Sidebar({ list, search, menu }, { api, toasts: { show() {} }, onDeleted() {} });
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.route("**/*", give)
    opened.goto(f"{ORIGIN}/")
    opened.evaluate(SIDEBAR, ENTRY.format(1) + ENTRY.format(2))
    yield opened
    opened.close()


def test_a_list_that_is_refreshed_under_an_open_menu_can_be_renamed_in(page: Page) -> None:
    page.locator("[data-more]").nth(1).click()
    page.evaluate("sidebar.refresh()")

    page.locator("[data-choice=rename]").click()
    page.get_by_role("textbox", name="Title").fill("Threads")
    page.keyboard.press("Enter")

    page.wait_for_function("posted.length")
    assert page.evaluate("posted") == [["/c/2/rename/", "Threads"]]


def test_what_was_deleted_elsewhere_under_an_open_menu_is_left_alone(page: Page) -> None:
    page.locator("[data-more]").nth(1).click()
    page.evaluate("entry => { served = entry; return sidebar.refresh(); }", ENTRY.format(1))

    page.locator("[data-choice=rename]").click()
    page.evaluate("entry => { served = entry; return sidebar.refresh(); }", ENTRY.format(3))

    expect(page.locator("[data-title]")).to_have_text("Chat 3")
