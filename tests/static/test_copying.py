"""What comes out of the clipboard is what was meant: code alone, and no Enter that runs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from conversations.rendering import render

from .conftest import ORIGIN, give

TEXT = "Run this:\n\n```bash\nmake run\nmake test\n```\n\nIt is *one line*\nand another.\n"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.route("**/*", give)
    opened.goto(f"{ORIGIN}/")
    style = f'<link rel="stylesheet" href="{ORIGIN}/css/chat/code.css">'
    opened.set_content(f'{style}<textarea></textarea><div class="prose">{render(TEXT)}</div>')
    yield opened
    opened.close()


def pasted(page: Page) -> str:
    page.locator("textarea").focus()
    page.keyboard.press("Control+v")
    return page.locator("textarea").input_value()


def test_the_copy_button_leaves_the_last_line_end_out(page: Page) -> None:
    page.evaluate(
        """async (module) => {
            const { copyCode } = await import(module);
            await copyCode(document.querySelector("pre").textContent, document.querySelector("button"));
        }""",
        f"{ORIGIN}/js/clipboard.js",
    )

    assert page.locator("button").text_content() == "Copied"
    assert pasted(page) == "make run\nmake test"


def test_selecting_by_hand_takes_neither_the_language_nor_the_button(page: Page) -> None:
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.prose'))")
    page.keyboard.press("Control+c")

    text = pasted(page)

    assert [line for line in text.splitlines() if line] == [
        "Run this:", "make run", "make test", "It is one line", "and another.",
    ]  # fmt: skip
