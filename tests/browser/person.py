"""The small language of the browser tests: what people do and see, by the names that assistive technology hears."""

from __future__ import annotations

import re
from typing import Any, Protocol

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response, expect

LEFT_EARLY = "WebSocket is closed before the connection is established"  # says Chromium of a page that leaves at once


class Place(Protocol):
    """A site that runs, with people who have an account there."""

    url: str

    def cookie(self, name: str) -> str: ...


class Person:
    def __init__(self, site: Place, browser: Browser, name: str, **options: Any):
        self.site = site
        self.complaints: list[str] = []  # of the browser: errors, and requests to other hosts
        self.expected: list[str] = []  # parts of complaints that a test provokes
        options.setdefault("viewport", {"width": 1280, "height": 800})
        self.context = browser.new_context(**options)
        self.context.add_cookies([{"name": "sessionid", "value": site.cookie(name), "url": site.url}])
        self.page = self.new_tab()

    def new_tab(self) -> Page:
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._complain(f"error: {error}"))
        page.on("request", self._see_request)
        page.on("response", self._see_response)
        return page

    def leave(self) -> None:
        self.context.close()

    # What they do

    def visit(self, path: str = "/") -> None:
        self.page.goto(self.site.url + path)
        self.wait_until_connected()

    def send_message(self, text: str) -> None:
        self.composer.fill(text)
        self.click("Send")  # on a phone Enter begins a new line

    def ask(self, text: str) -> str:
        """Send, and wait for the whole answer."""
        self.send_message(text)
        self.wait_until_idle()
        return self.last_answer.inner_text()

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).last.click()

    def reload(self) -> None:
        self.page.reload()
        self.wait_until_connected()

    # What they wait for

    def wait_until_connected(self) -> None:
        self.page.wait_for_selector("html[data-connection=open]")

    def wait_until_idle(self) -> None:
        self.page.wait_for_selector("html[data-idle=true]")

    def wait_for_text(self, text: str | re.Pattern[str]) -> None:
        expect(self.last_answer).to_contain_text(text)

    # What they see

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def answers(self) -> Locator:
        return self.page.locator("article[data-role=assistant]")

    @property
    def last_answer(self) -> Locator:
        return self.answers.last

    @property
    def answer_text(self) -> str:
        """Of the last answer, without what is around it."""
        return self.last_answer.locator("[data-part$='.text']").inner_text()

    @property
    def answer_html(self) -> str:
        blocks = self.last_answer.locator("[data-part$='.text'] [data-block]")
        return "\n".join(blocks.evaluate_all("blocks => blocks.map(block => block.innerHTML.trim())"))

    @property
    def state(self) -> str | None:
        return self.last_answer.get_attribute("data-state")

    # What must not happen

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and LEFT_EARLY not in message.text:
            self._complain(f"console: {message.text}")

    def _see_request(self, request: Request) -> None:
        if not request.url.startswith((self.site.url, "data:", "blob:")):
            self._complain(f"request to another host: {request.url}")

    def _see_response(self, response: Response) -> None:
        if response.status >= 400:
            self._complain(f"{response.status} {response.url}")

    def _complain(self, complaint: str) -> None:
        if not any(part in complaint for part in self.expected):
            self.complaints.append(complaint)
