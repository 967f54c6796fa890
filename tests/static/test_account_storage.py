"""What a browser keeps belongs to one account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from .conftest import ORIGIN, give

MODULE = 'const { AccountStorage, forgetAll } = await import("/js/account_storage.js");'


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.route("**/*", give)
    page.goto(f"{ORIGIN}/")
    yield page
    page.close()


def run(page: Page, code: str) -> object:
    return page.evaluate(f"async () => {{ {MODULE} {code} }}")


@pytest.mark.parametrize("area", ["localStorage", "sessionStorage"])
def test_the_next_account_finds_nothing(page: Page, area: str) -> None:
    run(page, f'new AccountStorage("1", {area}).set("draft:new", "mine"); {area}.setItem("by an earlier version", "x")')

    assert run(page, f'return new AccountStorage("2", {area}).get("draft:new")') is None
    assert page.evaluate(f"Object.keys({area})") == ["account"]


@pytest.mark.parametrize("area", ["localStorage", "sessionStorage"])
def test_what_a_tab_that_was_left_open_writes_goes_with_the_next_load(page: Page, area: str) -> None:
    run(
        page,
        f'const first = new AccountStorage("1", {area}); new AccountStorage("2", {area}); first.set("mode", "deep")',
    )

    run(page, f'new AccountStorage("2", {area}).set("mode", "quick")')

    assert sorted(page.evaluate(f"Object.keys({area})")) == ["account", "account:2:mode"]


def test_the_same_account_keeps_what_it_had(page: Page) -> None:
    run(page, 'new AccountStorage("1").set("mode", "deep")')

    assert run(page, 'return new AccountStorage("1").get("mode")') == "deep"


def test_an_empty_value_keeps_nothing(page: Page) -> None:
    run(page, 'const kept = new AccountStorage("1"); kept.set("mode", "deep"); kept.set("mode", "")')

    assert page.evaluate("Object.keys(localStorage)") == ["account"]


def test_a_sign_out_takes_all_of_it(page: Page) -> None:
    run(page, 'document.cookie = "theme=dark"; new AccountStorage("1").set("mode", "deep"); forgetAll()')

    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


def test_other_tabs_are_told_who_is_here_now(page: Page) -> None:
    told = run(
        page,
        """
        const channel = new BroadcastChannel("account");
        const told = new Promise((resolve) => (channel.onmessage = (e) => resolve(e.data)));
        forgetAll();
        return told;
        """,
    )

    assert told == ""
