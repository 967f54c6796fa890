"""Whatever stands inside each other, a narrow screen has room to read it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from conversations.rendering import render

from .conftest import ORIGIN, give

SHEETS = ("base/tokens", "base/base", "chat/prose", "chat/code")
LEVELS = 24


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 390, "height": 780})
    opened.route("**/*", give)
    opened.goto(f"{ORIGIN}/")
    yield opened
    opened.close()


def show(page: Page, text: str) -> None:
    styles = "".join(f'<link rel="stylesheet" href="{ORIGIN}/css/{name}.css">' for name in SHEETS)
    page.set_content(f'{styles}<div class="prose" style="width: 345px">{render(text)}</div>')


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"{'> ' * level}level {level}\n{'> ' * level}" for level in range(1, LEVELS + 1)),
        "\n".join(f"{'  ' * level}- level {level + 1}" for level in range(LEVELS)),
        "\n".join(f"{'   ' * level}1. level {level + 1}" for level in range(LEVELS)),
        "> - " * (LEVELS // 2) + f"level {LEVELS}",
        "> " * (LEVELS - 1) + f"> level {LEVELS}\n" + "> " * LEVELS + "```python\n" + "> " * LEVELS + "x = 1",
    ],
    ids=["quotes", "bullets", "numbers", "both", "code"],
)
def test_what_stands_deep_inside_has_a_third_of_a_narrow_screen(page: Page, text: str) -> None:
    show(page, text)

    deepest = ":is(li, blockquote):not(:has(li, blockquote)):last-child"
    width = page.locator(deepest).last.evaluate("element => element.clientWidth")
    right = page.locator(".prose *").evaluate_all(
        "elements => Math.max(...elements.map((element) => element.getBoundingClientRect().right))"
    )

    assert page.locator(":is(ul, ol, blockquote)").count() >= LEVELS / 2
    assert width > 345 / 3
    assert right <= page.locator(".prose").evaluate("element => element.getBoundingClientRect().right")


def test_a_long_language_leaves_room_for_the_copy_button(page: Page) -> None:
    show(page, f"> ```{'language' * 5}\n> x\n> ```")

    box = page.locator(".code").bounding_box()
    button = page.locator(".code__copy").bounding_box()

    assert box and button
    assert button["x"] + button["width"] <= box["x"] + box["width"]
