"""The page's own modules in a browser, without a server: one empty article, and events given by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.harness.processes import ROOT

ORIGIN = "http://page.test"
GENERATION = "8f14e45f-ceea-467f-9575-1c9b1c2f0f10"
ARTICLE = """
<template data-form="text"><div data-part><div data-tail></div></div></template>
<template data-form="thinking">
  <details data-part open><summary>Thinking</summary><div data-tail></div></details>
</template>
<template data-form="stage">
  <details data-stage>
    <summary><span data-label></span><span data-state-word></span></summary><div data-stage-parts></div>
  </details>
</template>
<article data-state="queued" data-expected-tokens="10">
  <div data-parts></div><p data-notice hidden></p><p data-error hidden></p>
  <div data-progress>
    <div data-bar></div><ol data-stages hidden></ol>
    <span role="status" data-phase></span><span data-more></span><span data-stats></span>
  </div>
  <div data-footer></div>
</article>
<script type="module">
  import { Answer } from "/js/answer/answer.js";
  import { Frames } from "/js/frames.js";
  const templates = [...document.querySelectorAll("[data-form]")];
  const forms = Object.fromEntries(templates.map((form) => [form.dataset.form, form]));
  window.frames_ = new Frames();
  window.pace = { isOn: false };
  window.answer = new Answer(document.querySelector("article"), { forms, frames: frames_, pace });
</script>
"""


class LiveAnswer:
    """An answer on a page."""

    def __init__(self, page: Page):
        self.page = page

    def hear(self, type: str, **fields: Any) -> bool:
        """False if the page now lacks text and has to ask for all of it."""
        event = {"type": type, "generation": GENERATION, **fields}
        return bool(self.page.evaluate("(event) => answer.receive(event)", event))

    def text(self, at: int, text: str, part: str = "0.text") -> bool:
        return self.hear("text.delta", position="1-1", part=part, at=at, text=text, tokens=at + 1)

    def rendered_text(self, at: int, text: str, html: str) -> None:
        """More text, and the rendering of all of it, before the next frame."""
        delta = {"type": "text.delta", "position": "1-1", "part": "0.text", "at": at, "text": text, "tokens": at + 1}
        tail = {"type": "tail.rendered", "part": "0.text", "html": html, "upto": at + len(text)}
        events = [{"generation": GENERATION, **event} for event in (delta, tail)]
        self.page.evaluate("(events) => events.forEach((event) => answer.receive(event))", events)

    def stage(self, number: int, status: str) -> None:
        self.hear("answer.stage", position="1-1", stage=number, label=f"Stage {number}", status=status)

    def finish(self, html: dict[str, str]) -> None:
        self.hear("answer.finished", position="1-9", status="done", html={"0.text": html}, footer="<b>f</b>")

    def show(self) -> None:
        """As the next frame does."""
        self.page.evaluate("frames_.flush()")

    @property
    def source(self) -> str:
        return str(self.page.evaluate("answer.source"))

    @property
    def shown(self) -> str:
        self.show()
        return str(self.page.evaluate("document.querySelector('[data-parts]').textContent.trim()"))

    @property
    def seen(self) -> dict[str, list[int]]:
        return dict(self.page.evaluate("answer.progress.seen"))

    def attribute(self, selector: str, name: str) -> str | None:
        return self.page.locator(selector).first.get_attribute(name)


@pytest.fixture
def answer(browser: Browser) -> Iterator[LiveAnswer]:
    page = browser.new_page()
    page.route("**/*", give)
    page.goto(f"{ORIGIN}/")
    page.wait_for_function("window.answer")
    yield LiveAnswer(page)
    page.close()


def give(route: Route) -> None:
    path = route.request.url.removeprefix(ORIGIN)
    if path == "/":
        route.fulfill(body=ARTICLE, content_type="text/html")
    elif path.endswith((".js", ".css")):
        kind = "text/javascript" if path.endswith(".js") else "text/css"
        route.fulfill(path=ROOT / "static" / path.strip("/"), content_type=kind)
    else:
        route.fulfill(status=404, body=json.dumps(path))
