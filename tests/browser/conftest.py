"""Headless Chromium, and people who use it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.person import Person
from tests.site import Site

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Open = Callable[..., Person]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    assert path, "The browser tests need Chromium: on Debian, apt install chromium."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def person(browser: Browser, site: Site) -> Iterator[Open]:
    """A signed-in person with a browser of their own; at the end nothing must have gone wrong in it."""
    people: list[Person] = []

    def open_browser(name: str = "alice", **options: Any) -> Person:
        opened = Person(site, browser, name, **options)
        people.append(opened)
        return opened

    yield open_browser
    for one in people:
        one.leave()
    assert [complaint for one in people for complaint in one.complaints] == []
