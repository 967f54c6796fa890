"""The reader's own days: the server is told the zone, and a page that stays open learns of midnight."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from .conftest import ORIGIN, give

DAY = """async (told) => {
    const { Day } = await import("/js/sidebar/day.js");
    window.changes = 0;
    new Day(told, () => (window.changes += 1));
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """In Berlin, a minute before midnight; the clock moves when a test moves it."""
    page = browser.new_page(timezone_id="Europe/Berlin")
    page.clock.install(time="2026-03-01T22:59:00Z")
    page.clock.pause_at("2026-03-01T22:59:01Z")
    page.route("**/*", give)
    page.goto(f"{ORIGIN}/")
    yield page
    page.close()


def changes(page: Page) -> int:
    return int(page.evaluate("changes"))


def test_the_server_is_told_the_zone(page: Page) -> None:
    page.evaluate(DAY, "UTC")

    assert "timezone=Europe/Berlin" in page.evaluate("document.cookie")
    assert changes(page) == 1  # the list was made in another zone


def test_a_list_of_the_right_zone_stays_until_midnight(page: Page) -> None:
    page.evaluate(DAY, "Europe/Berlin")
    page.clock.run_for(30_000)
    before = changes(page)

    page.clock.run_for(40_000)
    assert (before, changes(page)) == (0, 1)
    page.clock.run_for(23 * 3600 * 1000)
    assert changes(page) == 1
    page.clock.run_for(2 * 3600 * 1000)
    assert changes(page) == 2


def test_a_machine_that_slept_over_midnight_learns_of_it_when_it_is_looked_at(page: Page) -> None:
    page.evaluate(DAY, "Europe/Berlin")

    page.clock.set_system_time("2026-03-02T07:00:00Z")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    assert changes(page) == 1
