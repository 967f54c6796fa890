"""The keys of a menu."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from .conftest import ORIGIN, give

MENU = """
document.body.innerHTML = `<div data-entry><button data-more>More</button></div>
  <div popover data-menu><button data-choice="pin"><span data-pin-label></span></button>
  <button data-choice="rename">Rename</button><button data-choice="delete">Delete</button></div>`;
const { EntryMenu } = await import("/js/sidebar/entry_menu.js");
const find = (name) => document.querySelector(`[data-${name}]`);
new EntryMenu(find("menu"), { onChoice: () => {} }).open(find("entry"), find("more"));
"""


@pytest.mark.parametrize(
    ("keys", "choice"),
    [
        ("ArrowDown", "rename"),
        ("ArrowUp", "delete"),
        ("ArrowUp ArrowDown", "pin"),
        ("End", "delete"),
        ("End Home", "pin"),
        ("End ArrowUp", "rename"),
    ],
)
def test_arrows_home_and_end_go_through_the_choices(browser: Browser, keys: str, choice: str) -> None:
    page = browser.new_page()
    page.route("**/*", give)
    page.goto(f"{ORIGIN}/")
    page.evaluate(f"async () => {{ {MENU} }}")

    for key in keys.split():
        page.keyboard.press(key)

    assert page.evaluate("document.activeElement.dataset.choice") == choice
    page.close()
